//! Filters of a search.

use serde::Deserialize;

use crate::{
    crm::{
        comparison::Given,
        object::{Object, Stored},
        store::{Row, Store},
        tokens::Pattern,
    },
    http::request_body::Text,
};

/// A filter as it arrives.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawFilter {
    property_name: String,
    operator: String,
    value: Option<Text>,
    high_value: Option<Text>,
    values: Option<Vec<Text>>,
}

/// What an object must be like.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) property: String,
    test: Test,
}

/// An object without the property passes none of these but `Absent`.
#[derive(Debug)]
enum Test {
    Absent,
    Present,
    Range(Range),
    NotEqual(Given),
    In(Vec<Given>),
    NotIn(Vec<Given>),
    Contains(Pattern),
    NotContains(Pattern),
}

impl Filter {
    pub(crate) fn read(raw: RawFilter) -> Result<Self, String> {
        let operator = raw.operator.as_str();
        let required = |name: &str| format!("operator {operator} requires {name}");
        let value = || raw.value.as_ref().map(|value| value.0.as_str()).ok_or_else(|| required("a value"));
        let given = || value().map(Given::new);
        let high = || raw.high_value.as_ref().map(|high| Given::new(&high.0)).ok_or_else(|| required("a highValue"));
        let several = || match &raw.values {
            Some(values) if !values.is_empty() => Ok(values.iter().map(|value| Given::new(&value.0)).collect()),
            _ => Err(required("values")),
        };
        let edge = |inclusive: bool| given().map(|value| Some(Edge { value, inclusive }));
        let test = match operator {
            "EQ" => Test::Range(Range { low: edge(true)?, high: edge(true)? }),
            "NEQ" => Test::NotEqual(given()?),
            "LT" => Test::Range(Range { low: None, high: edge(false)? }),
            "LTE" => Test::Range(Range { low: None, high: edge(true)? }),
            "GT" => Test::Range(Range { low: edge(false)?, high: None }),
            "GTE" => Test::Range(Range { low: edge(true)?, high: None }),
            "BETWEEN" => Test::Range(Range { low: edge(true)?, high: Some(Edge { value: high()?, inclusive: true }) }),
            "IN" => Test::In(several()?),
            "NOT_IN" => Test::NotIn(several()?),
            "HAS_PROPERTY" => Test::Present,
            "NOT_HAS_PROPERTY" => Test::Absent,
            "CONTAINS_TOKEN" => Test::Contains(Pattern::new(value()?)),
            "NOT_CONTAINS_TOKEN" => Test::NotContains(Pattern::new(value()?)),
            unknown => return Err(format!("unknown operator `{unknown}`")),
        };
        Ok(Self { property: raw.property_name, test })
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        let Some(stored) = object.value(&self.property) else {
            return matches!(self.test, Test::Absent);
        };
        let equals = |given: &Given| given.compare(stored).is_some_and(|ordering| ordering.is_eq());
        let contains = |pattern: &Pattern| object.text(&self.property).is_some_and(|text| pattern.matches(&text));
        match &self.test {
            Test::Absent => false,
            Test::Present => true,
            Test::Range(range) => !range.is_above(stored) && !range.is_below(stored),
            Test::NotEqual(given) => !equals(given),
            Test::In(values) => values.iter().any(equals),
            Test::NotIn(values) => !values.iter().any(equals),
            Test::Contains(pattern) => contains(pattern),
            Test::NotContains(pattern) => !contains(pattern),
        }
    }

    /// The rows that match, of rows in the order of this filter's property; `None` when they need not lie together.
    pub(crate) fn narrow<'a>(&self, store: &Store, rows: &'a [Row]) -> Option<&'a [Row]> {
        let Test::Range(range) = &self.test else {
            return None;
        };
        let stored = |row: &Row| store.get(*row).value(&self.property);
        let end = rows.partition_point(|row| stored(row).is_some_and(|stored| !range.is_below(stored)));
        let rows = rows.get(..end)?;
        let start = rows.partition_point(|row| stored(row).is_some_and(|stored| range.is_above(stored)));
        rows.get(start..)
    }
}

/// The values from one edge to another.
#[derive(Debug)]
struct Range {
    low: Option<Edge>,
    high: Option<Edge>,
}

#[derive(Debug)]
struct Edge {
    value: Given,
    inclusive: bool,
}

impl Range {
    /// Whether the range lies above a value, or cannot be compared with it.
    fn is_above(&self, stored: Stored<'_>) -> bool {
        self.low.as_ref().is_some_and(|low| {
            low.value.compare(stored).is_none_or(|ordering| ordering.is_lt() || (ordering.is_eq() && !low.inclusive))
        })
    }

    /// Whether the range lies below a value, or cannot be compared with it.
    fn is_below(&self, stored: Stored<'_>) -> bool {
        self.high.as_ref().is_some_and(|high| {
            high.value.compare(stored).is_none_or(|ordering| ordering.is_gt() || (ordering.is_eq() && !high.inclusive))
        })
    }
}
