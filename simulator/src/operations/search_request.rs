//! Search requests, and what HubSpot refuses about them.

use serde::Deserialize;

use crate::{
    crm::object_type::ObjectType,
    http::{
        error::Failure,
        request_body::{self, Text},
    },
    operations::{
        filter::{Filter, RawFilter},
        projection::Projection,
    },
};

const MAX_CHARACTERS: usize = 3_000;
const MAX_GROUPS: usize = 5;
const MAX_FILTERS_IN_GROUP: usize = 6;
const MAX_FILTERS: usize = 18;
const MAX_PAGE: usize = 200;
const DEFAULT_PAGE: usize = 10;
const MAX_RESULTS: usize = 10_000;

/// A search that can be carried out.
#[derive(Debug)]
pub(crate) struct SearchRequest {
    /// In lower case.
    pub(crate) query: Option<String>,
    /// One must match, which it does when all of its filters do; without a group everything does.
    pub(crate) groups: Vec<Vec<Filter>>,
    pub(crate) sort: Sort,
    pub(crate) projection: Projection,
    pub(crate) limit: usize,
    pub(crate) after: usize,
}

#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) property: String,
    pub(crate) descending: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest {
    query: Option<Text>,
    filter_groups: Option<Vec<RawGroup>>,
    sorts: Option<Vec<RawSort>>,
    properties: Option<Vec<String>>,
    limit: Option<Text>,
    after: Option<Text>,
}

#[derive(Deserialize)]
struct RawGroup {
    filters: Vec<RawFilter>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a sort is a property's name, or an object with propertyName and direction")]
enum RawSort {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Object {
        property_name: String,
        direction: Option<Direction>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Direction {
    Ascending,
    Descending,
}

impl SearchRequest {
    pub(crate) fn read(object_type: &ObjectType, body: &[u8]) -> Result<Self, Failure> {
        let characters = String::from_utf8_lossy(body).chars().count();
        if characters > MAX_CHARACTERS {
            return Err(Failure::validation(format!(
                "The body of a search has at most {MAX_CHARACTERS} characters, not {characters}"
            )));
        }
        let raw: RawRequest = request_body::read(body)?;
        let limit = whole_number("limit", raw.limit, DEFAULT_PAGE)?;
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Failure::validation(format!("limit must be 1 to {MAX_PAGE}, not `{limit}`")));
        }
        let after = whole_number("after", raw.after, 0)?;
        if after.saturating_add(limit) > MAX_RESULTS {
            return Err(Failure::validation(format!(
                "A search ends at {MAX_RESULTS} results: after and limit are {after} and {limit}"
            )));
        }
        Ok(Self {
            query: raw.query.map(|query| query.0.to_lowercase()).filter(|query| !query.is_empty()),
            groups: groups(raw.filter_groups.unwrap_or_default())?,
            sort: sort(object_type, raw.sorts.unwrap_or_default())?,
            projection: Projection::new(raw.properties.unwrap_or_default(), []),
            limit,
            after,
        })
    }
}

fn whole_number(name: &str, text: Option<Text>, default: usize) -> Result<usize, Failure> {
    let Some(Text(text)) = text else {
        return Ok(default);
    };
    text.parse().map_err(|_| Failure::validation(format!("{name} must be a whole number, not `{text}`")))
}

fn groups(groups: Vec<RawGroup>) -> Result<Vec<Vec<Filter>>, Failure> {
    let at_most = |max, of: &str, number| {
        if number <= max {
            return Ok(());
        }
        Err(Failure::validation(format!("A search has at most {max} {of}, not {number}")))
    };
    at_most(MAX_GROUPS, "filterGroups", groups.len())?;
    at_most(MAX_FILTERS, "filters", groups.iter().map(|group| group.filters.len()).sum())?;
    for group in &groups {
        at_most(MAX_FILTERS_IN_GROUP, "filters in a group", group.filters.len())?;
    }
    let read = |group: RawGroup| group.filters.into_iter().map(Filter::read).collect();
    groups.into_iter().map(read).collect::<Result<_, _>>().map_err(Failure::validation)
}

fn sort(object_type: &ObjectType, sorts: Vec<RawSort>) -> Result<Sort, Failure> {
    if sorts.len() > 1 {
        return Err(Failure::validation(format!("A search has at most 1 sort, not {}", sorts.len())));
    }
    Ok(match sorts.into_iter().next() {
        None => Sort { property: object_type.times().created.to_owned(), descending: false },
        Some(RawSort::Name(name)) => match name.strip_prefix('-') {
            Some(name) => Sort { property: name.to_owned(), descending: true },
            None => Sort { property: name, descending: false },
        },
        Some(RawSort::Object { property_name, direction }) => {
            Sort { property: property_name, descending: matches!(direction, Some(Direction::Descending)) }
        }
    })
}
