//! A server's side of an HTTP/2 connection, as little of it as it takes.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Of a request or an answer without a body.
const WHOLE: u8 = END_STREAM | END_HEADERS;
/// `:status: 204` and `:status: 200`, as HPACK has them in its table.
const NO_CONTENT: u8 = 0x89;
const OK: u8 = 0x88;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// RFC 9113, sections 4.2 and 6.9.2.
const MAX_FRAME: usize = 16_384;
const FIRST_WINDOW: i64 = 65_535;

/// Answers so many requests with 204.
pub async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    settings: &[u8],
    mut answers: usize,
) -> std::io::Result<()> {
    begin(&mut stream, settings).await?;
    loop {
        let Frame { kind, flags, id, .. } = read(&mut stream).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            HEADERS if answers > 0 => {
                answers -= 1;
                stream.write_all(&frame(HEADERS, WHOLE, id, &[NO_CONTENT])).await?;
            }
            _ => {}
        }
    }
}

/// The body of an answer: a text, then spaces.
pub struct Body {
    pub text: &'static str,
    pub bytes: usize,
    pub ends: bool,
}

/// An answer under way, and how much of it the client takes.
struct Answer {
    body: Body,
    sent: usize,
    window: i64,
}

/// Answers the first request with the first body, and so on, as far as the client's windows let it, and counts the requests.
pub async fn serve_bodies(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    bodies: impl Fn(usize) -> Body,
    requests: &AtomicUsize,
) -> std::io::Result<()> {
    begin(&mut stream, &[]).await?;
    let (mut answers, mut window, mut first_window) = (BTreeMap::<u32, Answer>::new(), FIRST_WINDOW, FIRST_WINDOW);
    loop {
        let Frame { kind, flags, id, payload } = read(&mut stream).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                for setting in payload.as_chunks::<6>().0 {
                    let [a, b, value @ ..] = *setting;
                    if u16::from_be_bytes([a, b]) == INITIAL_WINDOW_SIZE {
                        first_window = u32::from_be_bytes(value).into();
                    }
                }
                stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?;
            }
            PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload)).await?,
            HEADERS => {
                let body = bodies(requests.fetch_add(1, Ordering::SeqCst));
                answers.insert(id, Answer { body, sent: 0, window: first_window });
                stream.write_all(&frame(HEADERS, END_HEADERS, id, &[OK])).await?;
            }
            RST_STREAM => drop(answers.remove(&id)),
            WINDOW_UPDATE => {
                let more = i64::from(u32::from_be_bytes(payload.try_into().unwrap()));
                match answers.get_mut(&id) {
                    Some(answer) => answer.window += more,
                    None if id == 0 => window += more,
                    None => {}
                }
            }
            _ => {}
        }
        for (&id, answer) in &mut answers {
            let Answer { body, sent, window: own } = answer;
            while *sent < body.bytes {
                let room = usize::try_from(window.min(*own)).unwrap_or(0).min(MAX_FRAME);
                let length = room.min(body.bytes - *sent);
                if length == 0 {
                    break;
                }
                let text = body.text.as_bytes().get(*sent..).unwrap_or_default();
                let mut payload = text[..length.min(text.len())].to_vec();
                payload.resize(length, b' ');
                *sent += length;
                window -= length as i64;
                *own -= length as i64;
                let last = *sent == body.bytes && body.ends;
                stream.write_all(&frame(DATA, if last { END_STREAM } else { 0 }, id, &payload)).await?;
            }
        }
    }
}

struct Frame {
    kind: u8,
    flags: u8,
    id: u32,
    payload: Vec<u8>,
}

async fn begin(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), settings: &[u8]) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24]).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, settings)).await
}

/// Length, type, flags and stream: RFC 9113, section 4.1.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let [high, middle, low, kind, flags, id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    stream.read_exact(&mut payload).await?;
    Ok(Frame { kind, flags, id: u32::from_be_bytes(id), payload })
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
