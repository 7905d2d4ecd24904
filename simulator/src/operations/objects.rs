//! The operations on one object, and listing objects.

use axum::{
    body::Bytes,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    crm::{
        association_type::TypeKey,
        computed::OBJECT_ID,
        not_found::NotFound,
        object::{Object, Source},
        object_type::ObjectType,
        state::{End, State},
        store::Row,
    },
    http::{
        cursor,
        error::Failure,
        parameters::Parameters,
        request_body,
        response::{add, json_response},
    },
    operations::{
        association_page::{Associations, MAX_LIMIT},
        batch_input::{ObjectId, Spec, Specs},
        changes::{Changes, Write},
        path::{ObjectPath, TypePath},
        projection::Projection,
    },
};

const DEFAULT_PAGE: usize = 10;
const MAX_PAGE: usize = 100;
const MAX_PAGE_WITH_HISTORY: usize = 50;

/// `GET …/{objectType}`
pub(crate) async fn list(
    call: Call,
    Path(path): Path<TypePath>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let state = call.state();
    let object_type = path.readable(&call, &state)?;
    let Wanted { projection, associated, archived } = Wanted::read(&state, &parameters)?;
    let max = if projection.has_history() { MAX_PAGE_WITH_HISTORY } else { MAX_PAGE };
    let limit = parameters.limit(DEFAULT_PAGE, max)?;
    let after: Option<String> = parameters.after()?;

    let store = state.store(&object_type);
    let rows = store.rows_after(after.as_deref(), archived);
    let page: Vec<_> = rows.iter().take(limit).map(|row| store.get(*row)).collect();
    let last = page.last().filter(|_| rows.len() > limit);
    let results = page
        .iter()
        .map(|object| with_associations(&call, &state, (&object_type, object), &projection, &associated))
        .collect();
    let results = call.server.settings.ordered(results);
    let mut body = json!({"results": results});
    if let Some(last) = last {
        let after = cursor::issue(&last.id.as_str());
        let link = format!("{}?{}", call.objects_url(object_type.plural()), parameters.with_after(&after));
        add(&mut body, "paging", json!({"next": {"after": after, "link": link}}));
    }
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET …/{objectType}/{objectId}`
pub(crate) async fn get(
    call: Call,
    Path(path): Path<ObjectPath>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let state = call.state();
    let object_type = path.of.readable(&call, &state)?;
    let Wanted { projection, associated, archived } = Wanted::read(&state, &parameters)?;
    let row = identified(&state, &object_type, &parameters, &path.id, archived)?;
    let object = state.store(&object_type).get(row);
    let body = with_associations(&call, &state, (&object_type, object), &projection, &associated);
    Ok(json_response(StatusCode::OK, &body))
}

#[derive(Deserialize)]
struct Update {
    properties: Changes,
}

/// `PATCH …/{objectType}/{objectId}`
pub(crate) async fn update(
    call: Call,
    Path(path): Path<ObjectPath>,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut state = call.state();
    let object_type = path.of.writable(&call, &state)?;
    let Update { properties } = request_body::read(&body)?;
    let row = identified(&state, &object_type, &parameters, &path.id, false)?;
    let write = properties.write(&call, &state, &object_type, Some(row))?;
    Ok(json_response(StatusCode::OK, &change(&mut state, &object_type, row, write)))
}

/// Changes an object, and tells of it.
pub(crate) fn change(state: &mut State, object_type: &ObjectType, row: Row, write: Write) -> Value {
    let (values, normalized) = write.into_parts();
    let projection = Projection::written(&values);
    let store = state.store_mut(object_type);
    store.update(row, values, Source::Api);
    let mut body = projection.body(object_type, store.get(row));
    Write::warn(&normalized, &mut body);
    body
}

/// An object to create, with what it is associated with from the start.
#[derive(Deserialize)]
pub(crate) struct Creation {
    #[serde(default)]
    properties: Changes,
    #[serde(default)]
    associations: Option<Vec<NewAssociation>>,
}

#[derive(Deserialize)]
struct NewAssociation {
    to: ObjectId,
    types: Specs,
}

/// `POST …/{objectType}`
pub(crate) async fn create(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let mut state = call.state();
    let object_type = path.creatable(&call, &state)?;
    let prepared = prepare(&call, &state, &object_type, request_body::read(&body)?)?;
    Ok(json_response(StatusCode::CREATED, &carry_out(&mut state, &object_type, prepared)))
}

/// An object that can be created.
pub(crate) struct Prepared {
    write: Write,
    associations: Vec<(ObjectType, String, Vec<TypeKey>)>,
}

impl Prepared {
    /// One that is associated with nothing.
    pub(crate) fn alone(write: Write) -> Self {
        Self { write, associations: Vec::new() }
    }

    /// The values that it is created with.
    pub(crate) fn values(&self) -> &[(String, String)] {
        &self.write.values
    }
}

/// Checks an object to create, and what it is to be associated with.
pub(crate) fn prepare(
    call: &Call,
    state: &State,
    object_type: &ObjectType,
    creation: Creation,
) -> Result<Prepared, Failure> {
    let write = creation.properties.write(call, state, object_type, None)?;
    let mut associations = Vec::new();
    for NewAssociation { to, types } in creation.associations.unwrap_or_default() {
        let keys: Vec<_> = types.iter().map(Spec::key).collect();
        let joins = |other: &&ObjectType| {
            !keys.is_empty() && keys.iter().all(|key| state.association_types.find(object_type, other, *key).is_some())
        };
        // The input names no type of object: its association types do.
        let Some(other) = state.types.all().iter().find(joins) else {
            return Err(Failure::invalid_definitions(&keys));
        };
        if !state.exists(End::new(other, &to.id.0)) {
            return Err(NotFound::Target { to: other.clone(), id: to.id.0 }.into());
        }
        associations.push((other.clone(), to.id.0, keys));
    }
    Ok(Prepared { write, associations })
}

/// Creates an object, and tells of it.
pub(crate) fn carry_out(state: &mut State, object_type: &ObjectType, prepared: Prepared) -> Value {
    let (values, normalized) = prepared.write.into_parts();
    let projection = Projection::written(&values);
    let store = state.store_mut(object_type);
    let row = store.create(values);
    let object = store.get(row);
    let id = object.id.as_str().to_owned();
    let mut body = projection.body(object_type, object);
    Write::warn(&normalized, &mut body);
    for (other, other_id, keys) in &prepared.associations {
        state.set_labels(End::new(object_type, &id), End::new(other, other_id), keys);
    }
    body
}

/// `DELETE …/{objectType}/{objectId}`: archives the object. Repeating it changes nothing.
pub(crate) async fn archive(call: Call, Path(path): Path<ObjectPath>) -> Result<Response, Failure> {
    let mut state = call.state();
    let object_type = path.of.creatable(&call, &state)?;
    if state.store(&object_type).row(&path.id).is_none() {
        return Err(Failure::no_object());
    }
    state.archive(End::new(&object_type, &path.id));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// An object with the first page of its associations with each of the `associated` types; types without an association
/// are left out.
pub(crate) fn with_associations(
    call: &Call,
    state: &State,
    (from, object): (&ObjectType, &Object),
    projection: &Projection,
    associated: &[ObjectType],
) -> Value {
    let mut body = projection.body(from, object);
    let pages = associated.iter().map(|to| Associations { call, state, from, object, to });
    let associations: Map<_, _> = pages
        .filter(|associations| associations.exist())
        .map(|associations| (associations.to.key().to_owned(), associations.page(None, MAX_LIMIT).body()))
        .collect();
    if !associations.is_empty() {
        add(&mut body, "associations", Value::Object(associations));
    }
    body
}

/// What a request wants to know of objects.
struct Wanted {
    projection: Projection,
    associated: Vec<ObjectType>,
    archived: bool,
}

impl Wanted {
    fn read(state: &State, parameters: &Parameters) -> Result<Self, Failure> {
        let associated = parameters.list("associations").into_iter().map(|name| state.types.infer(name));
        Ok(Self {
            projection: Projection::new(parameters.list("properties"), parameters.list("propertiesWithHistory")),
            associated: associated.collect::<Result<_, _>>()?,
            archived: parameters.flag("archived")?,
        })
    }
}

/// The object a path names, by its id or the value of the property that `idProperty` names.
fn identified(
    state: &State,
    object_type: &ObjectType,
    parameters: &Parameters,
    id: &str,
    archived: bool,
) -> Result<Row, Failure> {
    let property = parameters.text("idProperty");
    check_identifier(state, object_type, property)?;
    let rows = state.store(object_type).identify(property, &[id], archived);
    rows.into_iter().next().flatten().ok_or_else(Failure::no_object)
}

/// Refuses to name objects by a property whose values several may share.
pub(crate) fn check_identifier(state: &State, object_type: &ObjectType, property: Option<&str>) -> Result<(), Failure> {
    match property {
        Some(property) if property != OBJECT_ID && !state.rules.is_unique(object_type, property) => {
            Err(Failure::not_unique(&state.types, object_type, property))
        }
        _ => Ok(()),
    }
}
