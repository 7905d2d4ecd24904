//! Random values in place of ids and names, and a server that sees which path each request is for: it is the one that the
//! values stand in, each as a segment of its own, or nothing is sent.

use std::{cell::RefCell, rc::Rc, time::Instant};

use hubspot_partner_clients::{
    AssociationType, Client, Error, ObjectId, ObjectType, PartnerClientId, RateLimit, RetryPolicy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    task::LocalSet,
};

use super::Trouble;

/// What URL parsers are known to take apart.
const PIECES: [&str; 46] = [
    ".", "..", "/", "\\", "%", "%2e", "%2F", "%5c", "%00", "%25", "?", "#", ";", "..;", ":", "@", "&", "=", "+", " ",
    "\t", "\n", "\r\n", "\0", "{", "}", "|", "^", "`", "\"", "<", ">", "[", "]", "~", "ü", "。", "．", "／", "💥",
    "\u{200b}", "\u{202e}", "http:", "0", "512", "a",
];

/// The first lines of the requests that came.
type Lines = Rc<RefCell<Vec<String>>>;

/// Makes calls with so many values, four in each.
pub fn run(count: u64) -> Result<(), Trouble> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, calls(count))
}

async fn calls(count: u64) -> Result<(), Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let lines = Lines::default();
    let heard = Rc::clone(&lines);
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream, Rc::clone(&heard)));
        }
    });
    let client = Client::builder()
        .base_url(base_url)
        .access_token("t")
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()?;
    let seed = fastrand::u64(..);
    println!("ids: seed {seed}");
    let (mut random, mut sent, started) = (fastrand::Rng::with_seed(seed), 0_u64, Instant::now());
    for call in 0..count.div_ceil(4) {
        let values = Values::random(&mut random);
        let outcome = values.send(&client, call % 2 == 0).await;
        let lines = std::mem::take(&mut *lines.borrow_mut());
        values.check(outcome, &lines).map_err(|trouble| format!("{trouble} for {values:?}, which led to {lines:?}"))?;
        sent += lines.len() as u64;
    }
    let refused = count.div_ceil(4) - sent;
    println!(
        "ids: {count} values, {sent} requests, {refused} calls refused, 0 to another path, {:?}",
        started.elapsed()
    );
    Ok(())
}

#[derive(Debug)]
struct Values {
    partner_client: String,
    to_type: String,
    to_id: String,
    association_type: String,
}

impl Values {
    fn random(random: &mut fastrand::Rng) -> Self {
        // Most calls are sent, as one of the values is hostile at most.
        let hostile = random.u8(..4);
        let mut id = |place: u8| if hostile == place { self::id(random) } else { random.u32(1..).to_string() };
        let (partner_client, to_id) = (id(0), id(1));
        let mut name = |place: u8| if hostile == place { self::name(random) } else { tame(random) };
        Self { partner_client, to_type: name(2), to_id, association_type: name(3) }
    }

    async fn send(&self, client: &Client, makes: bool) -> Result<(), Error> {
        let Self { partner_client, to_type, to_id, association_type } = self;
        if makes {
            return client.associate(partner_client).with(to_type, to_id).as_type(association_type).await.map(drop);
        }
        client.dissociate(partner_client).with(to_type, to_id).as_type(association_type).await
    }

    fn check(&self, outcome: Result<(), Error>, lines: &[String]) -> Result<(), Trouble> {
        let (Ok(partner_client), Ok(to_type), Ok(to_id), Ok(association_type)) = (
            PartnerClientId::new(&self.partner_client),
            ObjectType::new(&self.to_type),
            ObjectId::new(&self.to_id),
            AssociationType::new(&self.association_type),
        ) else {
            let is_refused = outcome.is_err_and(|error| error.is_invalid_input());
            return if is_refused && lines.is_empty() { Ok(()) } else { Err("not refused".into()) };
        };
        // Version v3 knows no categories, and refuses those that no version has.
        if association_type.as_str().contains(':') && lines.is_empty() {
            return if outcome.is_err_and(|error| error.is_invalid_input()) {
                Ok(())
            } else {
                Err("not refused".into())
            };
        }
        outcome?;
        let [line] = lines else { return Err("not one request".into()) };
        let target = line.split(' ').nth(1).ok_or("no target")?;
        let segments = target.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<_> = segments.iter().map(|segment| str::from_utf8(segment)).collect::<Result<_, _>>()?;
        let (partner_client, to_id) = (without_zeros(partner_client.as_str())?, without_zeros(to_id.as_str())?);
        let expected =
            ["", "crm", "v3", "objects", "partner_clients", partner_client, "associations", to_type.as_str(), to_id];
        let [before @ .., last] = segments.as_slice() else { return Err("no path".into()) };
        let is_own = *last == association_type.as_str()
            // A category is left out.
            || association_type.as_str().rsplit_once(':').is_some_and(|(_, number)| number.parse() == last.parse::<u64>());
        if before != expected || !is_own { Err("another path".into()) } else { Ok(()) }
    }
}

fn without_zeros(id: &str) -> Result<&str, Trouble> {
    let is_number = id == "0" || !id.starts_with('0') && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(id) } else { Err("no id".into()) }
}

/// The bytes of a segment. All but the unreserved characters of RFC 3986, section 2.3, stand behind percent signs, as servers read
/// more into others than a URL parser does; a dot segment would lead elsewhere.
fn decoded(segment: &str) -> Result<Vec<u8>, Trouble> {
    if matches!(segment, "." | "..") {
        return Err("a dot segment".into());
    }
    let (mut bytes, mut rest) = (Vec::new(), segment.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().ok_or("cut")?, rest.next().ok_or("cut")?];
                u8::from_str_radix(str::from_utf8(&digits)?, 16)?
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => byte,
            byte => return Err(format!("{:?} as it is", char::from(byte)).into()),
        });
    }
    Ok(bytes)
}

/// Mostly one.
fn id(random: &mut fastrand::Rng) -> String {
    match random.u8(..16) {
        0 => hostile(random),
        1 => format!("{}{}", random.u64(..), PIECES[random.usize(..PIECES.len())]),
        2 => format!("00{}", random.u32(..)),
        3 => random.u64(..).to_string(),
        _ => random.u64(1..1_000_000_000_000).to_string(),
    }
}

/// Mostly one that may be sent, with something in it.
fn name(random: &mut fastrand::Rng) -> String {
    match random.u8(..8) {
        0 => hostile(random),
        1 => format!("2-{}", random.u32(..)),
        2 => (0..random.usize(1..6)).map(|_| random.char(..)).collect(),
        3 => (0..random.usize(1..40)).map(|_| char::from(random.u8(b' '..=b'~'))).collect(),
        _ => {
            let piece = PIECES[random.usize(..PIECES.len())];
            let (before, after) = (random.usize(..6), random.usize(..6));
            let mut letters = |count: usize| (0..count).map(|_| random.lowercase()).collect::<String>();
            letters(before) + piece + &letters(after)
        }
    }
}

fn tame(random: &mut fastrand::Rng) -> String {
    (0..random.usize(1..12)).map(|_| random.lowercase()).collect()
}

fn hostile(random: &mut fastrand::Rng) -> String {
    (0..random.usize(..6)).map(|_| PIECES[random.usize(..PIECES.len())]).collect()
}

/// Answers each request as if it were carried out.
async fn serve(mut stream: TcpStream, lines: Lines) -> Option<()> {
    let mut received = Vec::new();
    loop {
        while let Some(end) = received.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&received[..end]).into_owned();
            received.drain(..end + 4);
            lines.borrow_mut().push(head.lines().next()?.to_owned());
            let answer: &[u8] = match head.starts_with("DELETE") {
                true => b"HTTP/1.1 204 No Content\r\n\r\n",
                false => b"HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n{\"id\":\"1\",\"properties\":{}}",
            };
            stream.write_all(answer).await.ok()?;
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}
