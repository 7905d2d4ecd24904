//! A server's side of an HTTP/2 connection, as little of it as it takes.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;
/// Of a request or an answer without a body.
const WHOLE: u8 = 5;
/// `:status: 204`, as HPACK has it in its table.
const NO_CONTENT: u8 = 0x89;

/// Answers so many requests with 204.
pub async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    settings: &[u8],
    mut answers: usize,
) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24]).await?;
    stream.write_all(&frame(SETTINGS, 0, [0; 4], settings)).await?;
    loop {
        // Length, type, flags and stream: RFC 9113, section 4.1.
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        stream.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, [0; 4], &[])).await?,
            HEADERS if answers > 0 => {
                answers -= 1;
                stream.write_all(&frame(HEADERS, WHOLE, id, &[NO_CONTENT])).await?;
            }
            _ => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags], &stream, payload].concat()
}
