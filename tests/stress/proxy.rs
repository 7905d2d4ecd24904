//! HTTP/2 with TLS in front of the simulator, which speaks HTTP/1.1.

use std::sync::Arc;

use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    server::{Connection, SendResponse},
};
use http::{Request, Response, header};
use tokio::{
    net::{TcpListener, TcpStream},
    spawn,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use super::Trouble;

/// After how many requests the server ends a connection.
const REQUESTS: std::ops::Range<u32> = 1..200;

/// Starts it, and returns the base URL and the certificate as PEM.
pub async fn start(hubspot: String, goes_away: bool) -> Result<(String, String), Trouble> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der())?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base_url = format!("https://{}", listener.local_addr()?);
    let behind = Behind { hubspot, http: reqwest::Client::builder().no_proxy().build()? };
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            spawn(async move { serve(stream, acceptor, behind, goes_away).await });
        }
    });
    Ok((base_url, own.cert.pem()))
}

/// A client that trusts a certificate.
pub fn trusting(builder: reqwest::ClientBuilder, pem: &str) -> Result<reqwest::ClientBuilder, Trouble> {
    let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
    if certificates.is_empty() {
        return Ok(builder);
    }
    Ok(certificates.into_iter().fold(builder.tls_backend_rustls(), reqwest::ClientBuilder::add_root_certificate))
}

/// The simulator.
#[derive(Clone)]
struct Behind {
    hubspot: String,
    http: reqwest::Client,
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, behind: Behind, goes_away: bool) -> Result<(), Trouble> {
    let mut connection: Connection<_, Bytes> = h2::server::handshake(acceptor.accept(stream).await?).await?;
    let mut left = if goes_away { fastrand::u32(REQUESTS) } else { u32::MAX };
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let behind = behind.clone();
        spawn(async move { behind.carry_out(request, respond).await });
        left = left.saturating_sub(1);
        if left == 0 {
            match fastrand::u8(..4) {
                // What is under way comes to nothing.
                0 => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                // With its connection.
                1 => return Ok(()),
                _ => connection.graceful_shutdown(),
            }
        }
    }
    Ok(())
}

impl Behind {
    async fn carry_out(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), Trouble> {
        let answer = match self.ask(request).await {
            Ok(answer) => answer,
            Err(trouble) => {
                respond.send_reset(Reason::INTERNAL_ERROR);
                return Err(trouble);
            }
        };
        let mut response = Response::new(());
        *response.status_mut() = answer.status();
        let of_connection = [header::CONNECTION, header::TRANSFER_ENCODING];
        let headers = answer.headers().iter().filter(|(name, _)| !of_connection.contains(name));
        response.headers_mut().extend(headers.map(|(name, value)| (name.clone(), value.clone())));
        let mut stream = respond.send_response(response, false)?;
        let sent = send(answer, &mut stream).await;
        if sent.is_err() {
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        sent
    }

    async fn ask(&self, request: Request<RecvStream>) -> Result<reqwest::Response, Trouble> {
        let (parts, mut stream) = request.into_parts();
        let mut body = Vec::new();
        while let Some(piece) = stream.data().await {
            let piece = piece?;
            stream.flow_control().release_capacity(piece.len())?;
            body.extend_from_slice(&piece);
        }
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let url = format!("{}{target}", self.hubspot);
        Ok(self.http.request(parts.method, url).headers(parts.headers).body(body).send().await?)
    }
}

/// As fast as the client takes it.
async fn send(mut answer: reqwest::Response, stream: &mut SendStream<Bytes>) -> Result<(), Trouble> {
    while let Some(mut piece) = answer.chunk().await? {
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await.ok_or("the client is gone")??;
            stream.send_data(piece.split_to(room.min(piece.len())), false)?;
        }
    }
    stream.send_data(Bytes::new(), true)?;
    Ok(())
}
