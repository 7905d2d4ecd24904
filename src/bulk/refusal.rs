//! Which inputs an answer is about.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{CallMeta, Error, ObjectType, Result, associations::Path, generated::types};

/// Where a context names objects, by entries such as `COMPANY=38374264688 is not valid`.
const NAMES: &str = "INVALID_OBJECT_IDS";
/// Of those that are about an input.
const MAX_DETAILS: usize = 10;

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

/// An error that may name thousands of inputs.
struct Common {
    whole: Error,
    without_names: Error,
}

impl Common {
    fn new(whole: Error) -> Self {
        Self { without_names: whole.without_names(), whole }
    }

    fn about(&self, named: &[(usize, &str)]) -> Error {
        let entries: Vec<&str> = named.iter().map(|(_, entry)| *entry).collect();
        let says = |text: &str| entries.iter().any(|entry| text.contains(entry));
        let is_about = |detail: &&types::ErrorDetail| {
            detail.message.as_deref().is_some_and(says) || detail.context.values().flatten().any(|value| says(value))
        };
        let details = self.whole.details().iter().filter(is_about).take(MAX_DETAILS).cloned().collect();
        self.without_names.about(NAMES, &entries, details)
    }
}

/// A batch that was refused as a whole.
pub(super) struct Refusal<'a> {
    error: Common,
    named: Named<'a>,
}

impl<'a> Refusal<'a> {
    pub(super) fn new(error: &'a Error, to: &ObjectType) -> Self {
        Self { error: Common::new(error.clone()), named: Named::new([error.context()].into_iter(), to) }
    }

    /// The error of an input that is named.
    pub(super) fn of(&self, path: &Path) -> Option<Error> {
        let named = self.named.of(path);
        (!named.is_empty()).then(|| self.error.about(&named))
    }
}

type Pair<'a> = (&'a str, &'a str);

/// A batch that was answered with results and errors.
pub(super) struct Partial<'a> {
    errors: Vec<Common>,
    /// The association types asked for, and those made, of each partner client and object.
    asked: HashMap<Pair<'a>, HashSet<&'a str>>,
    made: HashMap<Pair<'a>, HashSet<&'a str>>,
    /// The errors that name a partner client as `fromObjectId`, each with its place.
    from: HashMap<&'a str, Vec<(usize, &'a types::StandardError)>>,
    named: Named<'a>,
}

impl<'a> Partial<'a> {
    pub(super) fn new(
        answer: &'a types::BatchResponsePublicAssociationWithErrors,
        meta: &CallMeta,
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
        for (place, error) in answer.errors.iter().enumerate() {
            for id in error.context.get("fromObjectId").into_iter().flatten() {
                from.entry(id.as_str()).or_default().push((place, error));
            }
        }
        let named = Named::new(answer.errors.iter().map(|error| &error.context), to);
        let error = |error| Common::new(Error::in_batch(error).in_call("batch_associate", meta, false));
        Self { errors: answer.errors.iter().map(error).collect(), asked, made, from, named }
    }

    /// What the answer says of an input, if anything. Being made counts before being named, because an error may name an
    /// object that several inputs have.
    pub(super) fn of(&self, path: &Path) -> Option<Result<()>> {
        if self.is_made(path) {
            return Some(Ok(()));
        }
        let named = self.named.of(path);
        let by_ends = self.from.get(path.partner_client.as_str()).into_iter().flatten().find(|(_, error)| {
            error.context.get("toObjectId").is_some_and(|ids| ids.iter().any(|id| id == path.to_id.as_str()))
        });
        let place = by_ends.map(|(place, _)| place).or_else(|| named.first().map(|(place, _)| place))?;
        let error = self.errors.get(*place)?;
        Some(Err(if named.is_empty() { error.whole.clone() } else { error.about(&named) }))
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
