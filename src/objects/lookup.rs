//! Lookup of the values of one property: by batch read where HubSpot takes the property for a key, otherwise by search.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::{
    attribution::{Attribution, telling},
    resolved::Resolved,
};
use crate::{
    client::Client,
    error::{Error, Result, kind::ErrorKind},
    generated::types,
    ids::{ObjectId, ObjectType},
    partner_clients::{
        PartnerClient,
        batch::{self, folded},
        search::{Search, filter},
    },
    transport::{self, call_meta::CallMeta, call_options::CallOptions},
};

const READ: &str = "batch_read_objects";
const SEARCH: &str = "search_objects";
/// HubSpot's limits of the inputs of a batch and of the values of a filter.
const MAX_VALUES: usize = 100;
/// What the values may take of the 3,000 characters of a search; the rest of the request takes fewer than the difference.
const MAX_CHARACTERS: usize = 2_500;
/// How many pages of one search are read. Several values that more objects have are asked for in smaller requests; of one value
/// alone it is enough.
const MAX_PAGES: usize = 5;

/// What is known of each value.
pub(super) type Outcomes<'a> = HashMap<&'a str, Result<Resolved>>;

/// The values of one property of objects of one type.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) client: &'a Client,
    pub(super) object_type: &'a ObjectType,
    pub(super) property: &'a str,
    pub(super) options: &'a CallOptions,
    pub(super) concurrency: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Read,
    Search,
}

/// What an answer says of the values, and which of them it leaves open.
#[derive(Default)]
struct Answer<'a> {
    settled: Vec<(&'a str, Result<Resolved>)>,
    open: Vec<&'a str>,
}

impl<'a> Lookup<'a> {
    /// Finds the objects with each of the values, which are distinct.
    pub(super) async fn all(self, values: Vec<&'a str>) -> Outcomes<'a> {
        let mut outcomes = Outcomes::with_capacity(values.len());
        let mut way = Way::Read;
        let mut parts = way.parts(&values);
        // Whether HubSpot takes the property in this way.
        let mut is_taken = false;
        let mut is_first = true;
        while !parts.is_empty() {
            // What the first request lacks, such as a scope, the others lack too.
            let most = match (is_taken, mem::take(&mut is_first)) {
                (true, _) => parts.len(),
                (false, true) => 1,
                (false, false) => self.concurrency,
            };
            let later = parts.split_off(most.min(parts.len()));
            let asked = parts.into_iter().map(|part| async move {
                let answer = self.ask(way, &part).await;
                (part, answer)
            });
            let mut answers = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(self.concurrency);
            let (mut open, mut refused) = (later, Vec::new());
            while let Some((part, answer)) = answers.next().await {
                match answer {
                    Ok(answer) => {
                        is_taken = true;
                        outcomes.extend(answer.settled);
                        open.extend(halves(&answer.open));
                    }
                    Err(error) if error.stops() => return everywhere(outcomes, values, &error),
                    Err(error) if error.kind() == ErrorKind::Refused => refused.push((part, error)),
                    Err(error) => outcomes.extend(part.into_iter().map(|value| (value, Err(error.clone())))),
                }
            }
            if !refused.is_empty() && !is_taken {
                // Either HubSpot does not take the property, or one of the values is none that it can have.
                match way {
                    Way::Read => {
                        way = Way::Search;
                        let refused = refused.into_iter().map(|(part, _)| part);
                        parts = way.parts(&refused.chain(open).flatten().collect::<Vec<_>>());
                        is_first = true;
                        continue;
                    }
                    Way::Search => match self.look_for_property().await {
                        Ok(()) => is_taken = true,
                        Err(error) => return everywhere(outcomes, values, &error),
                    },
                }
            }
            // HubSpot refuses a whole request for one value, so the others are asked for again.
            for (part, error) in refused {
                match part.as_slice() {
                    [value] => drop(outcomes.insert(value, Err(error))),
                    several => open.extend(halves(several)),
                }
            }
            parts = open;
        }
        outcomes
    }

    async fn ask(self, way: Way, values: &[&'a str]) -> Result<Answer<'a>> {
        let (operation, mut answer) = match way {
            Way::Read => (READ, self.read(values).await?),
            Way::Search => (SEARCH, self.search(values).await?),
        };
        if let ([value], [_]) = (values, answer.open.as_slice()) {
            let error = Error::unattributed(self.property).in_call(operation, &CallMeta::default(), false);
            answer = Answer { settled: vec![(*value, Err(error))], open: Vec::new() };
        }
        Ok(answer)
    }

    async fn read(self, values: &[&'a str]) -> Result<Answer<'a>> {
        let input = |id: &&str| types::SimplePublicObjectId::builder().id(*id).try_into();
        let body = types::BatchReadInputSimplePublicObjectId::builder()
            .id_property(self.property.to_owned())
            .inputs(values.iter().map(input).collect::<std::result::Result<Vec<_>, _>>()?)
            .properties(telling(self.property).map(str::to_owned).collect::<Vec<_>>());
        let object_type = self.object_type.clone();
        let called = transport::call(self.client.raw.clone(), self.options.clone(), READ, |raw| async move {
            raw.batch_read_objects().object_type(object_type).body(body).send().await
        });
        let (mut response, meta) = called.await?;
        let objects = mem::take(&mut response.results).into_iter().map(PartnerClient::from);
        let found = Attribution::new(self.property, values, objects);
        let ids = |value: &str| found.exactly(value).or_else(|| found.in_any_case(value));
        let open = values.iter().filter(|value| ids(value).is_none()).count();
        let errors = batch::Errors::new(READ, &response, &meta, open);
        // What is not there yet may still come, and an object without a name may be anybody's.
        let is_whole = meta.is_complete(response.status.as_str()) && meta.left_out == 0;
        let is_plain = is_whole && !found.has_others && !found.has_silent;
        let mut answer = Answer::default();
        for value in values {
            let error = match ids(value) {
                Some(ids) if errors.naming(value, None).is_none() => {
                    answer.settled.push((*value, Ok(resolved(ids))));
                    continue;
                }
                None if is_plain => Some(errors.of(value, None)),
                _ => errors.naming(value, None),
            };
            match error {
                Some(error) if error.is_not_found() => answer.settled.push((*value, Ok(Resolved::None))),
                Some(error) if error.kind() != ErrorKind::NoOutcome => answer.settled.push((*value, Err(error))),
                _ => answer.open.push(value),
            }
        }
        Ok(answer)
    }

    async fn search(self, values: &[&'a str]) -> Result<Answer<'a>> {
        let condition = filter(self.property).is_in(values.iter().flat_map(|value| forms(value)));
        let search = self.searching().filter(condition).properties(telling(self.property));
        let (mut pages, mut objects) = (search.pages(), Vec::new());
        let (mut is_whole, mut left_out) = (false, 0);
        for _ in 0..MAX_PAGES {
            match pages.try_next().await? {
                Some(page) => {
                    left_out += page.left_out;
                    objects.extend(page.items);
                    is_whole = page.next.is_end();
                }
                None => is_whole = true,
            }
            if is_whole {
                break;
            }
        }
        let found = Attribution::new(self.property, values, objects);
        let is_sure = is_whole && left_out == 0 && !found.has_silent;
        // More objects may have a value that two were seen with, which is told once nothing more can be learnt.
        let is_alone = values.len() == 1;
        let mut answer = Answer::default();
        for value in values {
            match found.in_any_case(value) {
                Some(ids) if is_sure || is_alone && ids.len() > 1 => answer.settled.push((*value, Ok(resolved(ids)))),
                None if is_sure && !found.has_others => answer.settled.push((*value, Ok(Resolved::None))),
                _ => answer.open.push(value),
            }
        }
        Ok(answer)
    }

    fn searching(self) -> Search {
        Search::of_type(self.client, self.object_type, self.options)
    }

    /// Whether HubSpot takes the property in a search.
    ///
    /// # Errors
    /// HubSpot's, where it does not.
    async fn look_for_property(self) -> Result<()> {
        self.searching().filter(filter(self.property).has_property()).page_size(1).send().await.map(drop)
    }
}

impl Way {
    /// The values in as few requests as HubSpot takes.
    fn parts<'a>(self, values: &[&'a str]) -> Vec<Vec<&'a str>> {
        if self == Self::Read {
            return values.chunks(MAX_VALUES).map(<[_]>::to_vec).collect();
        }
        let mut parts: Vec<Vec<&str>> = Vec::new();
        let (mut count, mut characters) = (0, 0);
        for value in values {
            let forms: Vec<_> = forms(value).collect();
            let needed: usize = forms.iter().map(|form| json!(form).to_string().chars().count() + 1).sum();
            (count, characters) = (count + forms.len(), characters + needed);
            match parts.last_mut() {
                Some(part) if count <= MAX_VALUES && characters <= MAX_CHARACTERS => part.push(value),
                _ => {
                    parts.push(vec![value]);
                    (count, characters) = (forms.len(), needed);
                }
            }
        }
        parts
    }
}

/// A value as a search needs it: HubSpot's `IN` takes texts in lower case, and options of an enumeration as they are.
fn forms(value: &str) -> impl Iterator<Item = String> {
    let folded = folded(value);
    let as_given = (folded != value).then(|| value.to_owned());
    std::iter::once(folded).chain(as_given)
}

/// Values in two parts, so that each is asked for alone at last.
fn halves<'a>(values: &[&'a str]) -> impl Iterator<Item = Vec<&'a str>> {
    let (left, right) = values.split_at(values.len() / 2);
    [left, right].into_iter().filter(|half| !half.is_empty()).map(<[_]>::to_vec)
}

/// An error for all values of which nothing is known.
fn everywhere<'a>(mut outcomes: Outcomes<'a>, values: Vec<&'a str>, error: &Error) -> Outcomes<'a> {
    for value in values {
        outcomes.entry(value).or_insert_with(|| Err(error.clone()));
    }
    outcomes
}

fn resolved(ids: &BTreeSet<ObjectId>) -> Resolved {
    match ids.iter().collect::<Vec<_>>().as_slice() {
        [id] => Resolved::One((*id).clone()),
        _ => Resolved::Several(ids.iter().cloned().collect()),
    }
}
