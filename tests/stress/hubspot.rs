//! The simulated HubSpot, in a process of its own.

use std::{io, time::Duration};

use hubspot_simulator::{Fault, OAuthApp, Simulator, SimulatorBuilder};
use tokio::{runtime, time};

use super::{
    Trouble,
    secrets::{CLIENT_SECRET, REFRESH_TOKEN},
};

/// Partner clients and companies.
pub const OBJECTS: u64 = 300;
pub const CLIENT_ID: &str = "client-1";
/// How often the list of requests is emptied, and after how many times all access tokens expire.
const TICK: Duration = Duration::from_millis(200);
const LIFETIME: u32 = 25;

/// How the client and HubSpot talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Http1,
    /// With TLS.
    Http2,
    /// The same, and the server ends connections now and then.
    GoAway,
}

impl Transport {
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Http1, Self::Http2, Self::GoAway].into_iter().find(|transport| transport.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::GoAway => "goaway",
        }
    }
}

/// Serves until standard input ends, as it does with the process that started this one.
pub fn serve(transport: Transport) -> Result<(), Trouble> {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let simulator = failing().start().await?;
        let (base_url, certificate) = match transport {
            Transport::Http1 => (simulator.base_url().to_owned(), String::new()),
            _ => in_front_of(&simulator, transport == Transport::GoAway).await?,
        };
        println!("{base_url}\n{}", certificate.replace('\n', ","));
        for tick in 1_u32.. {
            time::sleep(TICK).await;
            simulator.clear_requests();
            if tick % LIFETIME == 0 {
                simulator.expire_tokens();
            }
        }
        Ok(())
    })
}

#[cfg(feature = "rustls")]
async fn in_front_of(simulator: &Simulator, goes_away: bool) -> Result<(String, String), Trouble> {
    super::proxy::start(simulator.base_url().to_owned(), goes_away).await
}

#[cfg(not(feature = "rustls"))]
async fn in_front_of(_: &Simulator, _: bool) -> Result<(String, String), Trouble> {
    Err("HTTP/2 needs the feature `rustls`".into())
}

/// A HubSpot that fails a fifth of all requests.
fn failing() -> SimulatorBuilder {
    let builder = Simulator::builder()
        .without_seed()
        .oauth_app(OAuthApp::new(CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN))
        .partner_clients((1..=OBJECTS).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner");
    let builder =
        (1..=OBJECTS).fold(builder, |builder, id| builder.object("companies", id.to_string(), [("name", "x")]));
    let faults = [
        Fault::status(500),
        Fault::status(503).after_operation(),
        Fault::status(429),
        // At the token endpoint 400 would refuse the grant, which is remembered for a minute.
        Fault::status(409),
        Fault::echo_credentials(400),
        Fault::echo_credentials(500),
        Fault::html(502).as_json(),
        Fault::empty(504),
        Fault::reset(),
        Fault::reset().after_operation(),
        Fault::truncated_body(),
        Fault::invalid_json(),
        Fault::endless_body(),
        Fault::slow_body(1, Duration::from_millis(20)),
        Fault::delay(Duration::from_secs(5)),
    ];
    faults
        .into_iter()
        .zip(0..)
        .fold(builder, |builder, (fault, seed)| builder.fault(fault.with_probability(0.014, seed)))
}
