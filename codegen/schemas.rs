//! Schemas of any document → schemas that each become one Rust type that compiles.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{
    AdditionalProperties, ArrayType, OpenAPI, ReferenceOr, Schema, SchemaKind, StringFormat, StringType, Type,
    VariantOrUnknownOrEmpty,
};

use serde_json::json;

use super::{
    compositions,
    names::{key, names_in_use, unlike},
    nesting, walk,
};

/// Types that the facade hands out under names of its own: rustc's messages tell where a type is defined.
pub const FACADE_NAMES: [(&str, &str); 4] = [
    ("SimplePublicObjectWithAssociations", "PartnerClient"),
    ("CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", "PartnerClientsPage"),
    ("CollectionResponseAssociatedIdForwardPaging", "AssociationsPage"),
    ("CollectionResponseWithTotalSimplePublicObject", "SearchPage"),
];

/// Every step, in this order. A line is returned for each part that may be any value because it is too deep inside others.
pub fn fit(api: &mut OpenAPI, mark: &Mark) -> Vec<String> {
    dangling_references_are_any_value(api);
    null_is_said_where_it_may_stand(api);
    names_differ_in_rust(api);
    compositions::fit(api);
    only_what_makes_a_type_stays(api);
    let too_deep = nesting::limit(api);
    fields_differ_in_rust(api, mark);
    too_deep
}

/// What leads to a schema that is not there, or is something else than a schema, may be any value.
fn dangling_references_are_any_value(api: &mut OpenAPI) {
    let names: BTreeSet<String> =
        api.components.iter().flat_map(|components| components.schemas.keys().cloned()).collect();
    walk::schema_references(api, &mut |reference| {
        reference.strip_prefix(walk::SCHEMAS).is_none_or(|name| !names.contains(name))
    });
}

/// A type is never `null` in Rust: a field, an entry or a value is an `Option` of it. A body is there or not.
fn null_is_said_where_it_may_stand(api: &mut OpenAPI) {
    let mut nullable = BTreeSet::new();
    for (name, schema) in api.components.iter_mut().flat_map(|components| &mut components.schemas) {
        if let ReferenceOr::Item(schema) = schema
            && std::mem::take(&mut schema.schema_data.nullable)
        {
            nullable.insert(format!("{}{name}", walk::SCHEMAS));
        }
    }
    fn or_null<S: From<Schema>>(part: &mut ReferenceOr<S>, nullable: &BTreeSet<String>) {
        if let ReferenceOr::Reference { reference } = part
            && nullable.contains(reference)
        {
            *part = ReferenceOr::Item(walk::or_null(reference).into());
        }
    }
    walk::schemas(api, &mut |schema| {
        let (fields, values, items) = match &mut schema.schema_kind {
            SchemaKind::Type(Type::Object(object)) => {
                (Some(&mut object.properties), object.additional_properties.as_mut(), None)
            }
            SchemaKind::Type(Type::Array(list)) => (None, None, list.items.as_mut()),
            SchemaKind::Any(any) => (Some(&mut any.properties), any.additional_properties.as_mut(), any.items.as_mut()),
            _ => return,
        };
        let fields = fields.into_iter().flat_map(|fields| fields.values_mut());
        fields.chain(items).for_each(|part| or_null(part, &nullable));
        if let Some(AdditionalProperties::Schema(values)) = values {
            or_null(values, &nullable);
        }
    });
    for (_, _, operation) in walk::operations(api) {
        walk::bodies(operation, &mut |_, schema| {
            if let Some(reference) = walk::reference(schema) {
                *schema = ReferenceOr::ref_(reference);
            } else if let ReferenceOr::Item(schema) = schema {
                schema.schema_data.nullable = false;
            }
        });
    }
}

/// A title names a type twice, a format other than a time makes a type that refuses what HubSpot may send, and fields beside
/// named ones would make it no struct.
fn only_what_makes_a_type_stays(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        schema.schema_data.title = None;
        schema.schema_data.discriminator = None;
        match &mut schema.schema_kind {
            SchemaKind::Type(Type::String(StringType { format, enumeration, .. })) => {
                enumeration.clear();
                let stays = [StringFormat::DateTime, StringFormat::Binary].map(VariantOrUnknownOrEmpty::Item);
                if !stays.contains(format) {
                    *format = VariantOrUnknownOrEmpty::Empty;
                }
            }
            SchemaKind::Type(Type::Integer(integer)) => {
                integer.enumeration.clear();
                integer.exclusive_minimum = false;
                integer.exclusive_maximum = false;
            }
            SchemaKind::Type(Type::Number(number)) => {
                number.enumeration.clear();
                number.format = VariantOrUnknownOrEmpty::Empty;
                number.exclusive_minimum = false;
                number.exclusive_maximum = false;
            }
            SchemaKind::Type(Type::Boolean(boolean)) => boolean.enumeration.clear(),
            SchemaKind::Type(Type::Array(ArrayType { items, .. })) => {
                items.get_or_insert_with(|| ReferenceOr::Item(Box::new(walk::any())));
            }
            SchemaKind::Type(Type::Object(object)) => {
                object.min_properties = None;
                object.max_properties = None;
                let fields = &object.properties;
                object.required.retain(|name| fields.contains_key(name));
                if !object.properties.is_empty() {
                    object.additional_properties = None;
                }
            }
            _ => {}
        }
    });
}

/// Names are the same in Rust if they differ in case, hyphens and the like only, or have no letters. See [`FACADE_NAMES`].
fn names_differ_in_rust(api: &mut OpenAPI) {
    let mut taken = names_in_use();
    let ours: BTreeSet<String> = FACADE_NAMES.iter().map(|(_, ours)| key(ours)).collect();
    taken.extend(ours.iter().cloned());
    let mut renamed = BTreeMap::new();
    for name in api.components.iter().flat_map(|components| components.schemas.keys()) {
        let new = match FACADE_NAMES.iter().find(|(theirs, _)| theirs == name) {
            Some((_, ours)) => Some((*ours).to_owned()),
            // In a description of something else.
            None if ours.contains(&key(name)) => {
                unlike(name, &mut taken, |n| format!("{}{name}", "Other".repeat(n - 1)))
            }
            None => unlike(name, &mut taken, |n| format!("{name}{n}")),
        };
        renamed.extend(new.map(|new| (name.clone(), new)));
    }
    walk::schema_references(api, &mut |reference| {
        if let Some(new) = reference.strip_prefix(walk::SCHEMAS).and_then(|name| renamed.get(name)) {
            *reference = format!("{}{new}", walk::SCHEMAS);
        }
        false
    });
    let components = api.components.get_or_insert_default();
    let schemas = std::mem::take(&mut components.schemas).into_iter();
    components.schemas = schemas.map(|(name, schema)| (renamed.remove(&name).unwrap_or(name), schema)).collect();
}

/// See [`names_differ_in_rust`]. The mark makes it another name in Rust, and is taken out of what is sent and read.
fn fields_differ_in_rust(api: &mut OpenAPI, mark: &Mark) {
    walk::schemas(api, &mut |schema| {
        let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind else { return };
        let mut taken = BTreeSet::new();
        for (name, field) in std::mem::take(&mut object.properties) {
            let new = mark.on(&name, &mut taken);
            if let Some(new) = &new {
                object.required.iter_mut().filter(|required| **required == name).for_each(|r| r.clone_from(new));
            }
            object.properties.insert(new.unwrap_or(name), field);
        }
    });
}

/// What stands behind a name that something before it has in Rust, with a number. The document has it nowhere.
pub struct Mark(String);

impl Mark {
    pub fn of(api: &OpenAPI) -> Self {
        let text = json!(api).to_string();
        let mut mark = "__dup".to_owned();
        while text.contains(&mark) {
            mark.push('p');
        }
        Self(mark)
    }

    /// Another name in Rust for what has the name of something before it.
    pub fn on(&self, name: &str, taken: &mut BTreeSet<String>) -> Option<String> {
        unlike(name, taken, |n| format!("{name}{}{n}", self.0))
    }

    /// The text with the names as they are on the wire. In what Rust calls them there are no two underscores.
    pub fn removed(&self, text: &str) -> String {
        let mut parts = text.split(&self.0);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        out
    }
}
