//! The operations on associations.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    cursor,
    error::Failure,
    object::Object,
    object_type::ObjectType,
    parameters::Parameters,
    partner_clients,
    projection::Projection,
    response::{add, json_response},
    server::Server,
    state::{Position, State, object_type_named},
};

/// The most associations on one page, and the default.
pub(super) const MAX_LIMIT: usize = 500;

type AssociationPath = Path<(String, String, String, String)>;

/// `PUT …/partner_clients/{id}/associations/{toObjectType}/{toObjectId}/{associationType}`
pub(super) async fn associate(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type, to_object_id, association_type)): AssociationPath,
) -> Result<Response, Failure> {
    let mut state = server.state();
    let to = state.associate(&id, &to_object_type, &to_object_id, &association_type)?;
    let partner_client = state.partner_client(&id)?;
    let body = partner_clients::with_associations(server.base_url(), &state, partner_client, &Projection::all(), &[to]);
    Ok(json_response(StatusCode::OK, &body))
}

/// `DELETE` on the same path
pub(super) async fn dissociate(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type, to_object_id, association_type)): AssociationPath,
) -> Result<StatusCode, Failure> {
    server.state().dissociate(&id, &to_object_type, &to_object_id, &association_type)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/partner_clients/{id}/associations/{toObjectType}`
pub(super) async fn list(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let to = object_type_named(&to_object_type)?;
    let limit = parameters.limit(MAX_LIMIT, MAX_LIMIT)?;
    let after = parameters.after()?;
    let state = server.state();
    let partner_client = state.partner_client(&id)?;
    let body = page(server.base_url(), &state, partner_client, to, after.as_ref(), limit).body();
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET /crm/v3/associations/{fromObjectType}/{toObjectType}/types`
pub(super) async fn types(
    Shared(server): Shared<Arc<Server>>,
    Path((from_object_type, to_object_type)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let state = server.state();
    let results: Vec<_> = state
        .association_types(&from_object_type, &to_object_type)?
        .map(|(id, name)| json!({"id": id.to_string(), "name": name}))
        .collect();
    Ok(json_response(StatusCode::OK, &json!({"results": results})))
}

/// A page of associations, with a `paging` when more follow.
pub(super) struct Page {
    pub(super) results: Vec<Value>,
    pub(super) paging: Option<Value>,
}

impl Page {
    pub(super) fn body(self) -> Value {
        let mut body = Value::Object([("results".to_owned(), Value::Array(self.results))].into_iter().collect());
        if let Some(paging) = self.paging {
            add(&mut body, "paging", paging);
        }
        body
    }
}

/// One page of a partner client's associations.
pub(super) fn page(
    base_url: &str,
    state: &State,
    partner_client: &Object,
    to: ObjectType,
    after: Option<&Position>,
    limit: usize,
) -> Page {
    let mut associations = state.associations(partner_client, to, after);
    let page: Vec<_> = associations.by_ref().take(limit).collect();
    let more = associations.next().is_some();
    let last = page.last().filter(|_| more).map(|last| (last.to_object_id.clone(), last.type_id));
    // Moved rather than copied: a partner client with many associations has long pages.
    let results = page
        .into_iter()
        .map(|association| {
            let id = ("id".to_owned(), Value::String(association.to_object_id));
            let type_name = ("type".to_owned(), Value::String(association.type_name));
            Value::Object([id, type_name].into_iter().collect())
        })
        .collect();
    let paging = last.map(|last| {
        let after = cursor::issue(&last);
        let link = format!(
            "{base_url}/crm/v3/objects/partner_clients/{}/associations/{}?limit={limit}&after={}",
            utf8_percent_encode(partner_client.id.as_str(), NON_ALPHANUMERIC),
            to.plural(),
            utf8_percent_encode(&after, NON_ALPHANUMERIC),
        );
        json!({"next": {"after": after, "link": link}})
    });
    Page { results, paging }
}
