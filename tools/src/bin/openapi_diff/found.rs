//! Differences as they are found: what differs, where, and whom it concerns.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::codegen::operations::name;

/// Whether users of the SDK have to change their programs, or see them fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    No,
    UnlessCorrected,
    Yes,
}

/// One difference between two documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub what: &'static str,
    pub place: String,
    pub detail: String,
    pub operations: BTreeSet<String>,
    pub breaks: Breaks,
}

/// Who meets a part of a document: those who send it, those who receive it.
#[derive(Debug, Clone, Default)]
pub struct Use {
    pub sent: bool,
    pub received: bool,
    pub operations: BTreeSet<String>,
}

impl Difference {
    pub fn new(
        what: &'static str,
        place: impl Into<String>,
        detail: impl Into<String>,
        breaks: Breaks,
        users: &Use,
    ) -> Self {
        Self { what, place: place.into(), detail: detail.into(), operations: users.operations.clone(), breaks }
    }
}

/// The name of the operation of a plain document that a JSON pointer such as `#/paths/~1crm…/get` leads to or into.
pub fn operation_name(api: &Value, pointer: &str) -> Option<String> {
    let mut segments = pointer.strip_prefix("#/paths/")?.split('/');
    let (path, method) = (segments.next()?, segments.next()?);
    let named = api.pointer(&format!("/paths/{path}/{method}/operationId")).and_then(Value::as_str);
    let path = path.replace("~1", "/").replace("~0", "~");
    Some(named.map_or_else(|| name(&method.to_uppercase(), &path), str::to_owned))
}
