//! Which inputs an answer is about.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{CallMeta, Error, ObjectType, Result, associations::Path, generated::types};

/// Where a context names objects, by entries such as `COMPANY=38374264688 is not valid`.
const NAMES: &str = "INVALID_OBJECT_IDS";

type Context = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    PartnerClient,
    Other,
}

/// The objects that contexts name, each with the context's place and the entry.
struct Named<'a>(HashMap<(End, &'a str), (usize, &'a str)>);

impl<'a> Named<'a> {
    fn new(contexts: impl Iterator<Item = &'a Context>, to: &ObjectType) -> Self {
        let mut named = HashMap::new();
        for (place, context) in contexts.enumerate() {
            for entry in context.get(NAMES).into_iter().flatten() {
                let Some((object_type, rest)) = entry.split_once('=') else { continue };
                let id = rest.strip_suffix(" is not valid").or_else(|| rest.split(' ').next()).unwrap_or(rest);
                // A batch knows two object types: what is no partner client is at the other end, however it is spelt.
                let partner_client = is_partner_client(object_type);
                let ends = [
                    (End::PartnerClient, partner_client),
                    (End::Other, !partner_client || is_partner_client(to.as_str())),
                ];
                for (end, _) in ends.into_iter().filter(|(_, meant)| *meant) {
                    named.entry((end, id)).or_insert((place, entry.as_str()));
                }
            }
        }
        Self(named)
    }

    fn of(&self, path: &Path) -> Vec<(usize, &'a str)> {
        let ends = [(End::PartnerClient, path.partner_client.as_str()), (End::Other, path.to_id.as_str())];
        ends.iter().filter_map(|end| self.0.get(end).copied()).collect()
    }
}

fn is_partner_client(object_type: &str) -> bool {
    ["PARTNER_CLIENT", "PARTNER_CLIENTS", "0-145"].iter().any(|name| name.eq_ignore_ascii_case(object_type.trim()))
}

fn about(error: &Error, named: &[(usize, &str)]) -> Error {
    let entries: Vec<&str> = named.iter().map(|(_, entry)| *entry).collect();
    error.about(NAMES, &entries)
}

/// A batch that was refused as a whole.
pub(super) struct Refusal<'a> {
    /// Without the names, which may be thousands.
    error: Error,
    named: Named<'a>,
}

impl<'a> Refusal<'a> {
    pub(super) fn new(error: &'a Error, to: &ObjectType) -> Self {
        Self { error: error.without_context(), named: Named::new([error.context()].into_iter(), to) }
    }

    /// The error of an input that is named.
    pub(super) fn of(&self, path: &Path) -> Option<Error> {
        let named = self.named.of(path);
        (!named.is_empty()).then(|| about(&self.error, &named))
    }
}

type Pair<'a> = (&'a str, &'a str);

/// A batch that was answered with results and errors.
pub(super) struct Partial<'a> {
    answer: &'a types::BatchResponsePublicAssociationWithErrors,
    meta: &'a CallMeta,
    /// The association types asked for, and those made, of each partner client and object.
    asked: HashMap<Pair<'a>, HashSet<&'a str>>,
    made: HashMap<Pair<'a>, HashSet<&'a str>>,
    /// The errors that name a partner client as `fromObjectId`.
    from: HashMap<&'a str, Vec<&'a types::StandardError>>,
    named: Named<'a>,
}

impl<'a> Partial<'a> {
    pub(super) fn new(
        answer: &'a types::BatchResponsePublicAssociationWithErrors,
        meta: &'a CallMeta,
        to: &ObjectType,
        inputs: impl Iterator<Item = &'a Path>,
    ) -> Self {
        let (mut asked, mut made) = (HashMap::<_, HashSet<_>>::new(), HashMap::<_, HashSet<_>>::new());
        for path in inputs {
            asked.entry(pair(path)).or_default().insert(path.association_type.as_str());
        }
        for result in &answer.results {
            made.entry((result.from.id.as_str(), result.to.id.as_str())).or_default().insert(result.type_.as_str());
        }
        let mut from = HashMap::<_, Vec<_>>::new();
        for error in &answer.errors {
            for id in error.context.get("fromObjectId").into_iter().flatten() {
                from.entry(id.as_str()).or_default().push(error);
            }
        }
        let named = Named::new(answer.errors.iter().map(|error| &error.context), to);
        Self { answer, meta, asked, made, from, named }
    }

    /// What the answer says of an input, if anything. Being made counts before being named, because an error may name an
    /// object that several inputs have.
    pub(super) fn of(&self, path: &Path) -> Option<Result<()>> {
        if self.is_made(path) {
            return Some(Ok(()));
        }
        let named = self.named.of(path);
        let by_ends = self.from.get(path.partner_client.as_str()).into_iter().flatten().copied().find(|error| {
            error.context.get("toObjectId").is_some_and(|ids| ids.iter().any(|id| id == path.to_id.as_str()))
        });
        let by_entry = || named.first().and_then(|(place, _)| self.answer.errors.get(*place));
        let error = Error::in_batch(by_ends.or_else(by_entry)?).in_call("batch_associate", self.meta, false);
        Some(Err(if named.is_empty() { error } else { about(&error, &named) }))
    }

    /// HubSpot may answer with the name of an association type that was given by its id, so where all that was asked for
    /// is there the names do not matter.
    fn is_made(&self, path: &Path) -> bool {
        let Some(made) = self.made.get(&pair(path)) else { return false };
        let association_type = path.association_type.as_str();
        made.iter().any(|made| made.eq_ignore_ascii_case(association_type))
            || self.asked.get(&pair(path)).is_some_and(|asked| asked.len() <= made.len())
    }
}

fn pair(path: &Path) -> Pair<'_> {
    (path.partner_client.as_str(), path.to_id.as_str())
}
