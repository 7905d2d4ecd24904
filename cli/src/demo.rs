//! What the simulated HubSpot of the tool and of the examples holds.

use hubspot_partner_clients::simulator::{Simulator, SimulatorBuilder};

/// The simulator's own seed, and 250 partner clients more, so that lists have several pages.
pub(crate) fn simulator() -> SimulatorBuilder {
    let more = (1001..=1250)
        .map(|id| (id.to_string(), [("name", format!("Client {id}")), ("domain", format!("c{id}.example"))]));
    Simulator::builder().partner_clients(more)
}
