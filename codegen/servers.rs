//! The servers that a document names: the client sends everything to one.

use openapiv3::{OpenAPI, ReferenceOr, Server};

use super::{Problem, Result, walk};

const HUBSPOT: &str = "https://api.hubapi.com";

/// Puts the path that all calls begin with in front of each, so that the server is the host alone. A document of another server
/// cannot be built from; an operation that only another server has is left out.
pub fn heed(file: &str, api: &mut OpenAPI, warnings: &mut Vec<Problem>) -> Result<()> {
    let remedy = "take the server away if `api.hubapi.com` answers these calls";
    let (host, base) =
        host_and_path(&api.servers).map_err(|trouble| Problem::new(file, "#/servers", trouble, remedy))?;
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
            let Some(mut operation) = slot.take() else { continue };
            let servers = std::mem::take(&mut operation.servers);
            let base = if servers.is_empty() { own.clone() } else { host_and_path(&servers).map(|(_, path)| path) };
            let operation_place = format!("{place}/{}", method.to_lowercase());
            match base {
                Ok(base) => {
                    let path = format!("{base}{path}");
                    if walk::operations(api).any(|(of, at, _)| of == method && at == path) {
                        let trouble = format!("with its server in front, {path} is there as well");
                        warnings.push(Problem::new(file, operation_place, trouble, "the first is used; take one away"));
                    } else {
                        walk::insert(api, method, &path, operation);
                    }
                }
                Err(trouble) => {
                    warnings.push(Problem::new(file, operation_place, trouble, "the operation is left out"));
                }
            }
        }
    }
    Ok(())
}

/// The host of the first server, and its path such as `/crm/v3`; or why nothing can be sent there. A variable has its default, and a
/// token is sent over TLS alone.
fn host_and_path(servers: &[Server]) -> std::result::Result<(String, String), String> {
    let Some(server) = servers.first() else { return Ok((HUBSPOT.to_owned(), String::new())) };
    let variables = server.variables.iter().flatten();
    let url = variables
        .fold(server.url.clone(), |url, (name, variable)| url.replace(&format!("{{{name}}}"), &variable.default));
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if url.contains(['{', '}']) {
        return Err(format!("the server {url:?} has a variable without a default"));
    }
    let (host, path) = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let authority = authority.rsplit('@').next().unwrap_or_default();
            let name = authority.split(':').next().unwrap_or_default();
            let lower = name.to_ascii_lowercase();
            if lower != "hubapi.com" && !lower.ends_with(".hubapi.com") {
                return Err(format!(
                    "the server {url:?} is not HubSpot's API; the client sends all calls to one base URL"
                ));
            }
            // The port of another scheme is none of TLS.
            let is_tls = scheme.is_empty() || scheme.eq_ignore_ascii_case("https:");
            (format!("https://{}", if is_tls { authority } else { name }), path)
        }
        _ => (HUBSPOT.to_owned(), url),
    };
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    Ok((host, segments.into_iter().map(|segment| format!("/{segment}")).collect()))
}
