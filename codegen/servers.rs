//! The servers that a document names: the client sends everything to one.

use openapiv3::{OpenAPI, ReferenceOr, Server};

use super::{Problem, Result, walk};

/// Puts the path that all calls begin with in front of each. A document of another server cannot be built from; an operation
/// that only another server has is left out.
pub fn heed(file: &str, api: &mut OpenAPI, warnings: &mut Vec<Problem>) -> Result<()> {
    let other = |server: &str| {
        let trouble = format!("the server {server:?} is not HubSpot's API; the client sends all calls to one base URL");
        move |place: String, remedy: &str| Problem::new(file, place, trouble, remedy)
    };
    let base = match base_path(&api.servers) {
        Ok(base) => base,
        Err(server) => {
            let remedy = "take the server away if `api.hubapi.com` answers these calls";
            return Err(other(&server)("#/servers".to_owned(), remedy));
        }
    };
    for (path, item) in std::mem::take(&mut api.paths.paths) {
        let ReferenceOr::Item(mut item) = item else { continue };
        let place = format!("#/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        let own = if item.servers.is_empty() { Ok(base.clone()) } else { base_path(&item.servers) };
        item.servers.clear();
        for (method, slot) in walk::slots_mut(&mut item) {
            let Some(operation) = slot else { continue };
            let servers = std::mem::take(&mut operation.servers);
            let base = if servers.is_empty() { own.clone() } else { base_path(&servers) };
            let operation = slot.take();
            match base {
                Ok(base) => {
                    let path = format!("{base}{path}");
                    let item = api.paths.paths.entry(path).or_insert_with(|| ReferenceOr::Item(Default::default()));
                    if let ReferenceOr::Item(item) = item {
                        for (_, known) in walk::slots_mut(item).into_iter().filter(|(name, _)| *name == method) {
                            known.clone_from(&operation);
                        }
                    }
                }
                Err(server) => {
                    let place = format!("{place}/{}", method.to_lowercase());
                    warnings.push(other(&server)(place, "the operation is left out"));
                }
            }
        }
    }
    Ok(())
}

/// The path of the first server, such as `/crm/v3`; the address of one that is not HubSpot's.
fn base_path(servers: &[Server]) -> std::result::Result<String, String> {
    let Some(Server { url, .. }) = servers.first() else { return Ok(String::new()) };
    let path = match url.split_once("://") {
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
            let host = host.rsplit('@').next().unwrap_or_default();
            let host = host.split(':').next().unwrap_or_default();
            if host != "hubapi.com" && !host.ends_with(".hubapi.com") {
                return Err(url.clone());
            }
            path
        }
        None => url.as_str(),
    };
    let path = path.trim_matches('/');
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}
