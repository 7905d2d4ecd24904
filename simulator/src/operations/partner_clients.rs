//! The operations on one partner client, and listing them.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    crm::{
        object::{Object, Source},
        object_type::ObjectType,
        state::{NotFound, State, object_type_named},
        store::{Row, Store},
    },
    http::{
        cursor,
        error::Failure,
        operation::PARTNER_CLIENTS,
        parameters::Parameters,
        request_body,
        response::{add, json_response},
    },
    operations::{
        association_page::{MAX_LIMIT, page},
        changes::Changes,
        projection::Projection,
    },
    server::Server,
};

const DEFAULT_PAGE: usize = 10;
const MAX_PAGE: usize = 100;
const MAX_PAGE_WITH_HISTORY: usize = 50;

/// `GET …/partner_clients`
pub(crate) async fn list(
    Shared(server): Shared<Arc<Server>>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let projection = projection(&parameters);
    let associated = associated(&parameters)?;
    let archived = parameters.flag("archived")?;
    let max = if projection.has_history() { MAX_PAGE_WITH_HISTORY } else { MAX_PAGE };
    let limit = parameters.limit(DEFAULT_PAGE, max)?;
    let after: Option<String> = parameters.after()?;

    let state = server.state();
    let rows = state.partner_clients.rows_after(after.as_deref(), archived);
    let page: Vec<_> = rows.iter().take(limit).map(|row| state.partner_clients.get(*row)).collect();
    let last = page.last().filter(|_| rows.len() > limit);
    let results: Value = page
        .iter()
        .map(|object| with_associations(server.base_url(), &state, object, &projection, &associated))
        .collect();
    let mut body = json!({"results": results});
    if let Some(last) = last {
        let after = cursor::issue(&last.id.as_str());
        let link = format!("{}{PARTNER_CLIENTS}?{}", server.base_url(), parameters.with_after(&after));
        add(&mut body, "paging", json!({"next": {"after": after, "link": link}}));
    }
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET …/partner_clients/{id}`
pub(crate) async fn get(
    Shared(server): Shared<Arc<Server>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let projection = projection(&parameters);
    let associated = associated(&parameters)?;
    let archived = parameters.flag("archived")?;
    let state = server.state();
    let row = identified(&state.partner_clients, &parameters, &id, archived)?;
    let object = state.partner_clients.get(row);
    let body = with_associations(server.base_url(), &state, object, &projection, &associated);
    Ok(json_response(StatusCode::OK, &body))
}

#[derive(Deserialize)]
struct Update {
    properties: Changes,
}

/// `PATCH …/partner_clients/{id}`
pub(crate) async fn update(
    Shared(server): Shared<Arc<Server>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Failure> {
    let Update { properties } = request_body::read(&body)?;
    let mut state = server.state();
    let store = &mut state.partner_clients;
    let row = identified(store, &parameters, &id, false)?;
    store.update(row, properties.values()?, Source::Api);
    Ok(json_response(StatusCode::OK, &Projection::all().body(store.get(row))))
}

/// A partner client with the first page of its associations with each of the `associated` types; types without an
/// association are left out.
pub(crate) fn with_associations(
    base_url: &str,
    state: &State,
    object: &Object,
    projection: &Projection,
    associated: &[ObjectType],
) -> Value {
    let mut body = projection.body(object);
    let associations: Map<_, _> = associated
        .iter()
        .filter(|to| state.associations(object, **to, None).next().is_some())
        .map(|to| (to.plural().to_owned(), page(base_url, state, object, *to, None, MAX_LIMIT).body()))
        .collect();
    if !associations.is_empty() {
        add(&mut body, "associations", Value::Object(associations));
    }
    body
}

fn projection(parameters: &Parameters) -> Projection {
    Projection::new(parameters.list("properties"), parameters.list("propertiesWithHistory"))
}

fn associated(parameters: &Parameters) -> Result<Vec<ObjectType>, NotFound> {
    parameters.list("associations").into_iter().map(object_type_named).collect()
}

/// The partner client a path names, by its id or the value of the property that `idProperty` names.
fn identified(store: &Store, parameters: &Parameters, id: &str, archived: bool) -> Result<Row, Failure> {
    let rows = store.identify(parameters.text("idProperty"), &[id], archived);
    rows.into_iter().next().flatten().ok_or_else(Failure::not_found)
}
