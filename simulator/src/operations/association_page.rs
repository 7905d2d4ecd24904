//! Pages of a partner client's associations.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    crm::{
        object::{Object, Position},
        object_type::ObjectType,
        state::State,
    },
    http::{cursor, response::add},
};

/// The most associations on one page, and the default.
pub(crate) const MAX_LIMIT: usize = 500;

/// A page of associations, with a `paging` when more follow.
pub(crate) struct Page {
    pub(crate) results: Vec<Value>,
    pub(crate) paging: Option<Value>,
}

impl Page {
    pub(crate) fn body(self) -> Value {
        let mut body = Value::Object([("results".to_owned(), Value::Array(self.results))].into_iter().collect());
        if let Some(paging) = self.paging {
            add(&mut body, "paging", paging);
        }
        body
    }
}

/// One page of a partner client's associations.
pub(crate) fn page(
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
