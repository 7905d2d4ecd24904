//! Serves the in-process HubSpot for a shell or a client in another language.
//!
//! ```text
//! hubspot-simulator [--port PORT]
//! ```
//!
//! Prints the two environment variables that point a client at it, then serves until it is stopped.

use std::process::ExitCode;

use hubspot_simulator::Simulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(0),
        ["--port", port] => port.parse().ok(),
        _ => None,
    };
    let Some(port) = port else {
        eprintln!("usage: hubspot-simulator [--port PORT]   (PORT is 0 to 65535; 0, the default, takes any free one)");
        return ExitCode::from(2);
    };
    match serve(port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The simulator cannot serve on port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: u16) -> std::io::Result<()> {
    let simulator = Simulator::builder().port(port).start().await?;
    println!("HUBSPOT_BASE_URL={}", simulator.base_url());
    println!("HUBSPOT_ACCESS_TOKEN={}", simulator.access_token());
    simulator.stopped().await
}
