//! Programs for `benches/rows`, which says how many associations a second are made in bulk, and what they cost.
//!
//! - `csv ROWS` prints a file of so many rows.
//! - `serve` prints the URL of a server and serves until its input ends.
//! - `by-hand FILE URL` sends the rows as one writes it with `csv` and `reqwest`; `library FILE URL` as this crate does.

use std::{
    error::Error,
    io::{BufRead, BufReader, BufWriter, Read, Write, stdin, stdout},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use hubspot_partner_clients::{Association, Client, RateLimit};
use serde::{Deserialize, Serialize};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const TOKEN: &str = "pat-eu1-01234567-89ab-cdef-0123-456789abcdef";
/// As many to a request as HubSpot takes, and as many requests at once as the tool makes.
const BATCH: usize = 2_000;
const AT_ONCE: usize = 4;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // One thread, as the tool has.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments[..] {
        ["csv", rows] => print_rows(rows.parse()?),
        ["serve"] => serve(),
        ["by-hand", file, url] => runtime.block_on(by_hand(file, url)),
        ["library", file, url] => runtime.block_on(library(file, url)),
        _ => Err("run benches/rows".into()),
    }
}

/// Ids as HubSpot gives them out, in no order, each association once.
fn print_rows(rows: u64) -> Result<()> {
    let mut output = BufWriter::new(stdout().lock());
    writeln!(output, "partner_client_id,to_object_type,to_object_id,association_type")?;
    for row in 0..rows {
        let (client, company) = (20_000_000_000 + row * 7_919 % 500_000, 30_000_000_000 + row);
        writeln!(output, "{client},companies,{company},partner_client_to_company")?;
    }
    Ok(output.flush()?)
}

/// Serves with threads and blocking calls, so that it takes little of the machine. The response to a batch says what HubSpot
/// says where all of it is made: the results are the inputs, and their inverse associations.
fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_all(stream));
        }
    });
    stdin().read_line(&mut String::new())?;
    Ok(())
}

/// Nobody sends a request before the answer to the one before.
fn answer_all(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone().ok()?);
    let (mut line, mut body, mut answer) = (String::new(), Vec::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_ascii_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.parse().ok()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        // A request without a body asks whose account it is.
        let said = match body.is_empty() {
            true => br#"{"portalId":62515,"accountType":"STANDARD","uiDomain":"app.hubspot.com"}"#.to_vec(),
            false => made(serde_json::from_slice(&body).ok()?).ok()?,
        };
        answer.clear();
        write!(
            answer,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=utf-8\r\n\
             x-hubspot-correlation-id: 0190c5f2-8a0e-7c55-9b1d-0123456789ab\r\n\
             x-hubspot-ratelimit-interval-milliseconds: 10000\r\nx-hubspot-ratelimit-max: 1000000\r\n\
             x-hubspot-ratelimit-remaining: 999999\r\ncontent-length: {}\r\n\r\n",
            said.len()
        )
        .ok()?;
        answer.extend_from_slice(&said);
        stream.write_all(&answer).ok()?;
    }
}

fn made(batch: Batch) -> Result<Vec<u8>> {
    let inverse = |pair: &Pair| Pair {
        from: Object { id: pair.to.id.clone() },
        to: Object { id: pair.from.id.clone() },
        association_type: "company_to_partner_client".to_owned(),
    };
    let results: Vec<_> = batch.inputs.into_iter().flat_map(|pair| [inverse(&pair), pair]).collect();
    let results = serde_json::to_string(&results)?;
    let (started, ended) = ("2024-02-29T12:00:00.123Z", "2024-02-29T12:00:00.456Z");
    let said =
        format!(r#"{{"completedAt":"{ended}","results":{results},"startedAt":"{started}","status":"COMPLETE"}}"#);
    Ok(said.into_bytes())
}

#[derive(Deserialize)]
struct Row {
    partner_client_id: String,
    to_object_type: String,
    to_object_id: String,
    association_type: String,
}

#[derive(Serialize, Deserialize)]
struct Object {
    id: String,
}

#[derive(Serialize, Deserialize)]
struct Pair {
    from: Object,
    to: Object,
    #[serde(rename = "type")]
    association_type: String,
}

#[derive(Serialize, Deserialize)]
struct Batch {
    inputs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Made {
    status: String,
    results: Vec<Pair>,
}

fn rows(file: &str) -> Result<impl Iterator<Item = Row> + use<>> {
    let rows = csv::Reader::from_path(file)?.into_deserialize();
    Ok(rows.map(|row| row.expect("a row of the four columns")))
}

/// What one writes by hand: rows of one object type, sent in batches, and their results counted. It checks no id, keeps no
/// limit, tries nothing again, finds no row twice, and remembers nothing.
async fn by_hand(file: &str, url: &str) -> Result<()> {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(110)).build()?;
    let batches = stream::iter(rows(file)?).chunks(BATCH).map(|rows| {
        let http = &http;
        async move {
            let to_type = &rows[0].to_object_type;
            let url = format!("{url}/crm/v3/associations/partner_clients/{to_type}/batch/create");
            let pair = |row: Row| Pair {
                from: Object { id: row.partner_client_id },
                to: Object { id: row.to_object_id },
                association_type: row.association_type,
            };
            let (asked, batch) = (rows.len(), Batch { inputs: rows.into_iter().map(pair).collect() });
            let response = http.post(url).bearer_auth(TOKEN).json(&batch).send().await?.error_for_status()?;
            let made: Made = response.json().await?;
            let is_made = made.status == "COMPLETE" && made.results.len() == 2 * asked;
            Ok(is_made.then_some(asked))
        }
    });
    let mut batches = batches.buffer_unordered(AT_ONCE);
    let mut made = 0;
    while let Some(batch) = batches.next().await {
        let batch: reqwest::Result<_> = batch;
        made += batch?.ok_or("not all of a batch was made")?;
    }
    println!("{made} made");
    Ok(())
}

/// The library alone: no check before the first request, no journal, no report.
async fn library(file: &str, url: &str) -> Result<()> {
    let builder = Client::builder().base_url(url).access_token(TOKEN).rate_limit(RateLimit::unlimited());
    let associations = rows(file)?
        .map(|row| Association::new(row.partner_client_id, row.to_object_type, row.to_object_id, row.association_type));
    let mut outcomes = builder.build()?.associate_many(associations).concurrency(AT_ONCE).outcomes();
    let mut made = 0;
    while let Some(outcome) = outcomes.next().await {
        outcome.result?;
        made += 1;
    }
    println!("{made} made");
    Ok(())
}
