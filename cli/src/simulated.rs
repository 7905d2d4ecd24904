//! The content of the simulated HubSpot of the tool and of the examples.

use hubspot_partner_clients::simulator::{Simulator, SimulatorBuilder};

/// The first of the partner clients that it has beside the simulator's own.
pub(crate) const FIRST: u32 = 1001;

/// The simulator's own seed, and 250 partner clients more, so that lists have several pages.
pub(crate) fn hubspot() -> SimulatorBuilder {
    let more = (FIRST..FIRST + 250)
        .map(|id| (id.to_string(), [("name", format!("Client {id}")), ("domain", format!("c{id}.example"))]));
    Simulator::builder().partner_clients(more)
}
