//! Searching objects.

use axum::{body::Bytes, extract::Path, http::StatusCode, response::Response};
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{
        comparison::SortKey,
        object::Object,
        store::{Row, Store},
    },
    http::{
        error::Failure,
        response::{add, json_response},
    },
    operations::{
        filter::Filter,
        path::TypePath,
        search_request::{SearchRequest, Sort},
    },
};

/// The properties a query looks into, whichever of them objects of a type have.
const SEARCHED: [&str; 9] =
    ["name", "domain", "firstname", "lastname", "email", "phone", "dealname", "subject", "content"];

/// `POST …/{objectType}/search`
pub(crate) async fn search(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let state = call.state();
    let object_type = path.readable(&call, &state)?;
    let request = SearchRequest::read(&object_type, &body)?;
    let store = state.store(&object_type);
    let settings = &call.server.settings;
    let Found { total, mut page } = find(store, &request);
    if settings.short_search_pages && page.len() > 1 {
        page.pop();
    }
    let results: Value = page.iter().map(|row| request.projection.body(&object_type, store.get(*row))).collect();
    let mut body = json!({"total": total, "results": results});
    let next = request.after + page.len();
    if !page.is_empty() && next < total {
        add(&mut body, "paging", json!({"next": {"after": settings.search_after(next)}}));
    }
    Ok(json_response(StatusCode::OK, &body))
}

struct Found {
    total: usize,
    page: Vec<Row>,
}

fn find(store: &Store, request: &SearchRequest) -> Found {
    let Sort { property, descending } = &request.sort;
    let mut condition = Condition::new(request);
    let page = |rows: &mut dyn Iterator<Item = Row>| rows.skip(request.after).take(request.limit).collect();

    let Some(order) = store.order(property) else {
        let rows = condition.filter(store, store.live());
        let rows = by_value(store, property, *descending, rows);
        return Found { total: rows.len(), page: page(&mut rows.into_iter()) };
    };
    let mut rows = condition.narrow(store, property, order);
    let filtered;
    if !condition.is_empty() {
        filtered = condition.filter(store, rows);
        rows = &filtered;
    }
    let page = if *descending { page(&mut rows.iter().rev().copied()) } else { page(&mut rows.iter().copied()) };
    Found { total: rows.len(), page }
}

/// What a search asks of an object.
struct Condition<'a> {
    query: Option<&'a str>,
    groups: Vec<Vec<&'a Filter>>,
}

impl<'a> Condition<'a> {
    fn new(request: &'a SearchRequest) -> Self {
        let groups = request.groups.iter().map(|group| group.iter().collect()).collect();
        Self { query: request.query.as_deref(), groups }
    }

    fn is_empty(&self) -> bool {
        self.query.is_none() && self.groups.is_empty()
    }

    /// Applies the filters on a property to the rows in its order, and drops them: a client that pages through
    /// everything asks for no more than these. Filters in several groups stay as they are.
    fn narrow<'b>(&mut self, store: &Store, property: &str, mut rows: &'b [Row]) -> &'b [Row] {
        if let [group] = self.groups.as_mut_slice() {
            group.retain(|filter| {
                let narrowed = if filter.property == property { filter.narrow(store, rows) } else { None };
                rows = narrowed.unwrap_or(rows);
                narrowed.is_none()
            });
            if group.is_empty() {
                self.groups.clear();
            }
        }
        rows
    }

    fn filter(&self, store: &Store, rows: &[Row]) -> Vec<Row> {
        rows.iter().copied().filter(|row| self.holds(store.get(*row))).collect()
    }

    fn holds(&self, object: &Object) -> bool {
        let contains = |query: &str| {
            SEARCHED.into_iter().filter_map(|name| object.text(name)).any(|text| text.to_lowercase().contains(query))
        };
        self.query.is_none_or(contains)
            && (self.groups.is_empty()
                || self.groups.iter().any(|group| group.iter().all(|filter| filter.matches(object))))
    }
}

/// Sorts rows by the value of a property; those without one come last, and those with the same by id.
fn by_value(store: &Store, property: &str, descending: bool, rows: Vec<Row>) -> Vec<Row> {
    let key = |row: Row| store.get(row).text(property).map(|text| SortKey::new(&text));
    let mut rows: Vec<_> = rows.into_iter().map(|row| (key(row), row)).collect();
    rows.sort_by(|(a, a_row), (b, b_row)| {
        let by_value = match (a, b) {
            (Some(a), Some(b)) if descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            _ => a.is_none().cmp(&b.is_none()),
        };
        by_value.then(a_row.cmp(b_row))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}
