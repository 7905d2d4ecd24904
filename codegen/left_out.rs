//! Operations that cannot be generated, left out so that the others can.

use std::collections::BTreeSet;

use openapiv3::{OpenAPI, Operation, Parameter, QueryStyle, ReferenceOr, Schema, SchemaKind, Type};

use super::{Code, code};
use crate::codegen::{bodies, compositions, merge, operations::Known, requests, walk};

/// The code of everything that can be generated, and the operations that cannot, with the reason of each.
///
/// # Errors
/// What progenitor says, in one line, of an operation that the facade is built on.
pub fn all(api: &OpenAPI) -> Result<(Code, Vec<(String, String)>), String> {
    let mut trial = Trial { api, known: Vec::new(), left_out: Vec::new() };
    let mut others = Vec::new();
    for (path, method, operation) in api.operations() {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        match (Known::find(&method.to_uppercase(), path), cannot_be_written(api, method, path, operation)) {
            (Some(_), None) => trial.known.push(id),
            (Some(_), Some(trouble)) => return Err(format!("`{id}`: {trouble}")),
            (None, None) => others.push(id),
            (None, Some(trouble)) => trial.left_out.push((id.to_owned(), trouble)),
        }
    }
    let code = match trial.code(&[&trial.known, &others]) {
        Ok(code) => code,
        Err(_) => {
            for id in &trial.known {
                trial.code(&[&[*id]]).map_err(|trouble| format!("`{id}`: {trouble}"))?;
            }
            let each_alone = trial.choose(&others, false);
            // What each can do alone they may not together.
            match trial.code(&[&trial.known, &each_alone]) {
                Ok(code) => code,
                Err(_) => {
                    let together = trial.choose(&each_alone, true);
                    trial.code(&[&trial.known, &together])?
                }
            }
        }
    };
    Ok((code, trial.left_out))
}

struct Trial<'a> {
    api: &'a OpenAPI,
    known: Vec<&'a str>,
    left_out: Vec<(String, String)>,
}

impl<'a> Trial<'a> {
    fn code(&self, operations: &[&[&str]]) -> Result<Code, String> {
        let ids: BTreeSet<&str> = operations.iter().copied().flatten().copied().collect();
        if self.api.operations().count() == ids.len() {
            return code(self.api);
        }
        let mut api = self.api.clone();
        merge::drop_operations(&mut api, |_, _, operation| {
            operation.operation_id.as_deref().is_none_or(|id| !ids.contains(id))
        });
        code(&api)
    }

    /// Those that can be generated: each half as a whole if it can be, otherwise its halves in turn. `together` with those that
    /// the facade is built on and those that have been chosen before.
    fn choose(&mut self, operations: &[&'a str], together: bool) -> Vec<&'a str> {
        let (mut chosen, mut groups) = (Vec::new(), vec![operations]);
        while let Some(group) = groups.pop() {
            let outcome = match together {
                true => self.code(&[&self.known, &chosen, group]),
                false => self.code(&[group]),
            };
            match (outcome, group) {
                (Ok(_), _) | (_, []) => chosen.extend(group),
                (Err(trouble), [only]) => {
                    let words: Vec<_> = trouble.split_whitespace().collect();
                    self.left_out.push(((*only).to_owned(), words.join(" ")));
                }
                (Err(_), _) => {
                    let (first, second) = group.split_at(group.len() / 2);
                    groups.extend([second, first]);
                }
            }
        }
        chosen
    }
}

/// Why no code can be written for an operation, as far as it can be seen without writing it.
fn cannot_be_written(api: &OpenAPI, method: &str, path: &str, operation: &Operation) -> Option<String> {
    // progenitor calls a method of `reqwest::Client` for each, which has none for these.
    if matches!(method, "options" | "trace") {
        return Some(format!("its method is {}, which the client cannot send", method.to_uppercase()));
    }
    // The mock of a path that has a parameter twice does not compile.
    let mut seen = BTreeSet::new();
    if let Some(name) = requests::names_in(path).find(|name| !seen.insert(*name)) {
        return Some(format!("its path names {{{name}}} twice"));
    }
    let needed = operation.parameters.iter().filter_map(ReferenceOr::as_item).find_map(|parameter| match parameter {
        Parameter::Cookie { parameter_data, .. } if parameter_data.required => {
            Some(format!("it needs the cookie {:?}", parameter_data.name))
        }
        Parameter::Query { parameter_data, style: QueryStyle::DeepObject, .. } if parameter_data.required => {
            Some(format!("it needs the parameter {:?} in the style deepObject", parameter_data.name))
        }
        Parameter::Header { parameter_data, .. }
            if parameter_data.required && !requests::can_name_a_header(&parameter_data.name) =>
        {
            Some(format!("it needs the header {:?}, which is no name of a header", parameter_data.name))
        }
        _ => None,
    });
    if needed.is_some() {
        return needed;
    }
    let (media, schema) = bodies::sent(operation)?;
    if !bodies::can_be_sent(media) {
        let content = &operation.request_body.as_ref()?.as_item()?.content;
        let media: Vec<_> = content.keys().map(String::as_str).collect();
        return Some(format!("its body is {}, which the client cannot write", media.join(" or ")));
    }
    schema.filter(|_| media.starts_with(bodies::FORM)).and_then(|schema| no_form(api, schema))
}

/// Why a body is no form: that is a list of names with a text each.
fn no_form(api: &OpenAPI, body: &ReferenceOr<Schema>) -> Option<String> {
    let known = api.components.clone().unwrap_or_default();
    let resolved = |schema: &ReferenceOr<Schema>| match walk::reference(schema) {
        Some(reference) => known.schemas.get(reference.strip_prefix(walk::SCHEMAS)?)?.as_item().cloned(),
        None => schema.as_item().cloned(),
    };
    let Some(form) = compositions::object(body, &known) else {
        let is_none = matches!(resolved(body)?.schema_kind, SchemaKind::Type(_));
        return is_none.then(|| "its body is a form that has no fields, which the client cannot write".to_owned());
    };
    let field = form.required.iter().find(|name| {
        let schema = form.properties.get(*name).and_then(|field| resolved(&field.clone().unbox()));
        schema.is_some_and(|schema| match &schema.schema_kind {
            SchemaKind::Type(kind) => matches!(kind, Type::Array(_) | Type::Object(_)),
            // Of anything else than objects it is any value, which may be a text.
            composition => compositions::composed(composition, &known).is_some(),
        })
    });
    field.map(|name| format!("its form needs {name:?}, a list or an object, which the client cannot write in a form"))
}
