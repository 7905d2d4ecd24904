//! The operations on partner clients.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::{
    associations::{MAX_LIMIT, page},
    error::Failure,
    object_type::ObjectType,
    parameters::Parameters,
    response::{add, json_response},
    server::Server,
    state::{NotFound, State, object_type_named},
};

/// `GET …/partner_clients/{id}`
pub(super) async fn get(
    Shared(server): Shared<Arc<Server>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let properties = parameters.list("properties");
    let associated =
        parameters.list("associations").into_iter().map(object_type_named).collect::<Result<Vec<_>, _>>()?;
    // HubSpot answers either archived or live objects; the simulator holds no archived ones.
    if parameters.flag("archived")? {
        return Err(Failure::not_found());
    }
    let body = body(server.base_url(), &server.state(), &id, &properties, &associated)?;
    Ok(json_response(StatusCode::OK, &body))
}

/// A partner client with the `wanted` properties, or all when none is named, and the first page of its associations with
/// each of the `associated` types; types without an association are left out.
pub(super) fn body(
    base_url: &str,
    state: &State,
    id: &str,
    wanted: &[&str],
    associated: &[ObjectType],
) -> Result<Value, NotFound> {
    let partner_client = state.partner_client(id)?;
    let properties: Map<_, _> = partner_client
        .properties
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let timestamp = partner_client.created_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut body = json!({
        "id": id,
        "properties": properties,
        "createdAt": timestamp,
        "updatedAt": timestamp,
        "archived": false,
    });

    let mut associations = Map::new();
    for to in associated {
        if state.associations(id, *to, None)?.next().is_some() {
            let page = page(base_url, state, id, *to, None, MAX_LIMIT)?;
            associations.insert(to.plural().to_owned(), page);
        }
    }
    if !associations.is_empty() {
        add(&mut body, "associations", Value::Object(associations));
    }
    Ok(body)
}
