//! Pages of an object's associations.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    crm::{
        association_type::{Definition, TypeKey},
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
        let mut body = object([("results", Value::Array(self.results))]);
        if let Some(paging) = self.paging {
            add(&mut body, "paging", paging);
        }
        body
    }
}

/// An object's associations with those of another type.
#[derive(Clone, Copy)]
pub(crate) struct Associations<'a> {
    pub(crate) call: &'a Call,
    pub(crate) state: &'a State,
    pub(crate) from: &'a ObjectType,
    pub(crate) object: &'a Object,
    pub(crate) to: &'a ObjectType,
}

impl Associations<'_> {
    pub(crate) fn exist(self) -> bool {
        self.state.associations(self.from, self.object, self.to, None).next().is_some()
    }

    /// A page as v3 gives it: one entry for each object and association type.
    pub(crate) fn page(self, after: Option<&Position>, limit: usize) -> Page {
        let mut associations = self.state.associations(self.from, self.object, self.to, after);
        let page: Vec<_> = associations.by_ref().take(limit).collect();
        let more = associations.next().is_some();
        let last = page.last().filter(|_| more).map(|(id, definition)| (*id, definition.key));
        let entry =
            |(id, definition): &(&str, &Definition)| object([("id", json!(id)), ("type", json!(definition.name))]);
        Page {
            results: self.ordered(page.iter().map(entry).collect()),
            paging: last.map(|last| self.paging(&last, limit)),
        }
    }

    /// A page as v4 and the dated versions give it: one entry for each object, with all its association types.
    pub(crate) fn labeled_page(self, after: Option<&str>, limit: usize) -> Page {
        let start = after.map(|after| (after.to_owned(), TypeKey::LAST));
        let mut results: Vec<(&str, Vec<Value>)> = Vec::new();
        let mut paging = None;
        for (id, definition) in self.state.associations(self.from, self.object, self.to, start.as_ref()) {
            let full = results.len() == limit;
            match results.last_mut() {
                Some((last, types)) if *last == id => types.push(labeled(definition)),
                Some((last, _)) if full => {
                    paging = Some(self.paging(last, limit));
                    break;
                }
                _ => results.push((id, vec![labeled(definition)])),
            }
        }
        let entry =
            |(id, types)| object([("toObjectId", self.call.object_id(id)), ("associationTypes", Value::Array(types))]);
        Page { results: self.ordered(results.into_iter().map(entry).collect()), paging }
    }

    fn ordered(self, results: Vec<Value>) -> Vec<Value> {
        self.call.server.settings.ordered(results)
    }

    fn paging(self, last: &impl serde::Serialize, limit: usize) -> Value {
        let after = cursor::issue(last);
        let link = format!(
            "{}/{}/associations/{}?limit={limit}&after={}",
            self.call.objects_url(self.from.plural()),
            utf8_percent_encode(self.object.id.as_str(), NON_ALPHANUMERIC),
            self.to.plural(),
            utf8_percent_encode(&after, NON_ALPHANUMERIC),
        );
        json!({"next": {"after": after, "link": link}})
    }
}

/// An association type as v4 and the dated versions tell of it.
pub(crate) fn labeled(definition: &Definition) -> Value {
    json!({
        "category": definition.key.category.as_str(),
        "typeId": definition.key.id,
        "label": definition.label,
    })
}

// Moved rather than copied, as `json!` would: an object with many associations has long pages.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
