//! The servers that a document names: the client sends everything to one.

use openapiv3::{OpenAPI, ReferenceOr, Server};

use super::{Problem, Result, walk};

const HUBSPOT: &str = "https://api.hubapi.com";

/// Puts the path that all calls begin with in front of each, so that the server is the host alone. A document of another server
/// cannot be built from; an operation that only another server has is left out.
pub fn heed(file: &str, api: &mut OpenAPI, warnings: &mut Vec<Problem>) -> Result<()> {
    let other = |server: &str| {
        let trouble = format!("the server {server:?} is not HubSpot's API; the client sends all calls to one base URL");
        move |place: String, remedy: &str| Problem::new(file, place, trouble, remedy)
    };
    let (host, base) = match host_and_path(&api.servers) {
        Ok(base) => base,
        Err(server) => {
            let remedy = "take the server away if `api.hubapi.com` answers these calls";
            return Err(other(&server)("#/servers".to_owned(), remedy));
        }
    };
    api.servers.truncate(1);
    let description = api.servers.pop().and_then(|server| server.description);
    api.servers.push(Server { url: host, description, ..Server::default() });
    for (path, item) in std::mem::take(&mut api.paths.paths) {
        let ReferenceOr::Item(mut item) = item else { continue };
        let place = format!("#/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        let own =
            if item.servers.is_empty() { Ok(base.clone()) } else { host_and_path(&item.servers).map(|(_, path)| path) };
        item.servers.clear();
        for (method, slot) in walk::slots_mut(&mut item) {
            let Some(operation) = slot else { continue };
            let servers = std::mem::take(&mut operation.servers);
            let base = if servers.is_empty() { own.clone() } else { host_and_path(&servers).map(|(_, path)| path) };
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

/// The host of the first server, and its path such as `/crm/v3`; the address of one that is not HubSpot's. A variable has its
/// default.
fn host_and_path(servers: &[Server]) -> std::result::Result<(String, String), String> {
    let Some(server) = servers.first() else { return Ok((HUBSPOT.to_owned(), String::new())) };
    let variables = server.variables.iter().flatten();
    let url = variables
        .fold(server.url.clone(), |url, (name, variable)| url.replace(&format!("{{{name}}}"), &variable.default));
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let authority = authority.rsplit('@').next().unwrap_or_default();
            let name = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if name != "hubapi.com" && !name.ends_with(".hubapi.com") {
                return Err(url.to_owned());
            }
            let scheme = if scheme.is_empty() { "https:" } else { scheme };
            (format!("{scheme}//{authority}"), path)
        }
        _ => (HUBSPOT.to_owned(), url),
    };
    let path = path.trim_matches('/');
    Ok((host, if path.is_empty() { String::new() } else { format!("/{path}") }))
}
