//! What the known operations demand and the facade does not always send: without it no call could succeed.

use std::iter;

use openapiv3::{OpenAPI, Parameter, ReferenceOr};
use serde_json::{Value, json};

use super::{
    Problem, bodies, correct,
    facade::{self, REMEDY, has_a_default, pairs},
    operations::{KNOWN, Known},
    read::{Document, same_parameter},
    walk,
};

/// Something that is demanded of each call of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    pub operation: &'static str,
    pub of: Demanded,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demanded {
    Parameter(String),
    Body,
    Field { schema: String, field: String },
}

impl Demand {
    pub fn problem(&self, file: &str) -> Problem {
        let name = self.operation;
        let operation = format!("the operation `{name}`");
        let (place, trouble) = match &self.of {
            Demanded::Parameter(parameter) => {
                (operation, format!("it demands the parameter {parameter:?}, which the facade does not always send"))
            }
            Demanded::Body => (operation, "it takes a body, which the facade does not send".to_owned()),
            Demanded::Field { schema, field } => (
                format!("#/components/schemas/{schema}"),
                format!("`{name}` demands the field {field:?}, which the facade does not always send"),
            ),
        };
        Problem::new(file, place, trouble, REMEDY)
    }
}

/// What a document demands, in each version that it describes. Each document is compared by itself: joined with others, it demands
/// what all of them do. Where it describes an operation otherwise than the facade is built on, it is not used.
pub fn of_document(document: &Document, own: &OpenAPI) -> Vec<Demand> {
    let demands = iter::once(&document.api).chain(&document.repeated).flat_map(|api| {
        let mut demands = of(api, own);
        let elsewhere = |demand: &Demand| {
            KNOWN.iter().any(|known| known.name == demand.operation && !known.is_on_partner_clients())
        };
        if demands.iter().any(elsewhere) {
            let others = facade::described_otherwise(&document.file, api, own);
            demands.retain(|demand| others.iter().all(|(name, _)| *name != demand.operation));
        }
        demands
    });
    demands.collect()
}

/// Compares what the known operations demand with the crate's own description, both as they are documented. Where a default
/// is documented, HubSpot takes that.
pub fn of(api: &OpenAPI, own: &OpenAPI) -> Vec<Demand> {
    let schemas = |api: &OpenAPI| json!(api.components.as_ref().map(|components| &components.schemas));
    let (theirs_all, ours_all) = (schemas(api), schemas(own));
    let mut demands = Vec::new();
    for (Known { name, .. }, theirs, ours) in pairs(api, own) {
        let mut demand = |of: Demanded| demands.push(Demand { operation: name, of });
        for parameter in &theirs.parameters {
            let ReferenceOr::Item(item) = parameter else { continue };
            let data = item.parameter_data_ref();
            let own = ours.parameters.iter().find(|own| same_parameter(own, parameter)).and_then(ReferenceOr::as_item);
            let is_met =
                matches!(item, Parameter::Path { .. }) || own.is_some_and(|own| own.parameter_data_ref().required);
            if data.required && !is_met && !has_a_default(&data.format) {
                demand(Demanded::Parameter(data.name.clone()));
            }
        }
        if bodies::sent(theirs).is_some_and(|(_, schema)| schema.is_some()) && bodies::sent(ours).is_none() {
            demand(Demanded::Body);
        }
        for schema in walk::needed_schemas(&json!(theirs.request_body), &theirs_all) {
            if correct::takes_less_than_documented(&schema) || ours_all.get(&schema).is_none() {
                continue;
            }
            let demanded = |all: &Value| all[&schema]["required"].as_array().cloned().unwrap_or_default();
            let met = demanded(&ours_all);
            for field in demanded(&theirs_all).iter().filter_map(Value::as_str) {
                let has_default = theirs_all[&schema]["properties"][field].get("default").is_some();
                if !has_default && !met.iter().any(|name| name == field) {
                    demand(Demanded::Field { schema: schema.clone(), field: field.to_owned() });
                }
            }
        }
    }
    demands
}
