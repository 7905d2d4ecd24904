//! The command `job list`: every job in a Redis.

use hubspot_partner_clients::redis::{JobStatus, Redis};
use indicatif::HumanCount;
use serde_json::json;

use crate::{
    exit::Code,
    failure::{Failure, told, warn},
    output::{Output, Table},
};

pub(super) async fn run(redis: &Redis, output: &mut Output) -> Result<Code, Failure> {
    let mut table = Table::new(["name", "account", "rows", "settled", "failed", "workers", "set aside"]);
    let mut code = Code::Success;
    for name in redis.jobs().await? {
        let status = match redis.job(&name).status().await {
            Ok(status) => status,
            Err(error) if error.is_invalid_input() => {
                // Unless somebody has removed it meanwhile.
                if redis.jobs().await?.contains(&name) {
                    let message = format!("left out: {}", told(&error).0);
                    warn(json!({"kind": "job", "message": message, "job": name}), output.json);
                    code = code.first(Code::from(&error));
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let rows = status.total.unwrap_or(status.enqueued);
        let JobStatus { account, failed, workers, set_aside, is_finished, .. } = &status;
        if output.json {
            output.json(&json!({
                "job": name,
                "operation": status.operation,
                "account": account,
                "rows": rows,
                "settled": status.settled(),
                "failed": failed,
                "finished": is_finished,
                "workers": workers,
                "setAside": set_aside,
            }))?;
            continue;
        }
        let counts = [rows, status.settled(), *failed, (*workers).into(), *set_aside];
        let counts = counts.map(|count| HumanCount(count).to_string());
        let account = account.clone().unwrap_or_default();
        table.row([name, account].into_iter().chain(counts), output)?;
    }
    if !output.json {
        table.end(output)?;
    }
    Ok(code)
}
