//! Attribution of an error to the inputs that it names.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    association::Association,
    error::Error,
    generated::types,
    ids::{ObjectType, canonical},
};

/// Where a context names objects, by entries such as `COMPANY=38374264688 is not valid`.
const OBJECTS: &str = "INVALID_OBJECT_IDS";
/// Of those that are about an input.
const MAX_DETAILS: usize = 10;

type Context = BTreeMap<String, Vec<String>>;

/// The partner client's id and the other object's.
pub(super) type Pair<'a> = (&'a str, &'a str);

pub(super) fn pair(association: &Association) -> Pair<'_> {
    (association.partner_client_id.as_str(), association.to_object_id.as_str())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    PartnerClient,
    Other,
}

/// The errors of a response, and what their contexts name.
pub(super) struct Errors<'a> {
    errors: Vec<Common>,
    /// Objects, each with the first error that names it and the entry.
    objects: HashMap<(End, &'a str), (usize, &'a str)>,
    /// Associations by their ends, each with the first error that names it.
    pairs: HashMap<Pair<'a>, usize>,
}

impl<'a> Errors<'a> {
    pub(super) fn new(errors: impl IntoIterator<Item = (Error, &'a Context)>, to: &ObjectType) -> Self {
        let mut named = Self { errors: Vec::new(), objects: HashMap::new(), pairs: HashMap::new() };
        for (place, (error, context)) in errors.into_iter().enumerate() {
            named.errors.push(Common::new(error));
            named.name_objects(place, context, to);
            for pair in pairs(context) {
                named.pairs.entry(pair).or_insert(place);
            }
        }
        named
    }

    fn name_objects(&mut self, place: usize, context: &'a Context, to: &ObjectType) {
        for entry in context.get(OBJECTS).into_iter().flatten() {
            let Some((object_type, rest)) = entry.split_once('=') else { continue };
            let id = rest.strip_suffix(" is not valid").or_else(|| rest.split(' ').next()).unwrap_or(rest);
            // A batch knows two object types: what is no partner client is at the other end, however it is spelt.
            let partner_client = is_partner_client(object_type);
            let ends =
                [(End::PartnerClient, partner_client), (End::Other, !partner_client || is_partner_client(to.as_str()))];
            for (end, _) in ends.into_iter().filter(|(_, meant)| *meant) {
                self.objects.entry((end, canonical(id))).or_insert((place, entry.as_str()));
            }
        }
    }

    /// The error that names the association by both its ends. It may be about another of these ends, under another type.
    pub(super) fn of_pair(&self, association: &Association) -> Option<Error> {
        let place = *self.pairs.get(&pair(association))?;
        self.error(place, &self.objects_of(association))
    }

    /// The error that names one of the association's objects, without which it cannot be.
    pub(super) fn of_object(&self, association: &Association) -> Option<Error> {
        let named = self.objects_of(association);
        self.error(named.first()?.0, &named)
    }

    fn error(&self, place: usize, named: &[(usize, &'a str)]) -> Option<Error> {
        let error = self.errors.get(place)?;
        let entries: Vec<_> = named.iter().filter(|(other, _)| *other == place).map(|(_, entry)| *entry).collect();
        Some(if entries.is_empty() { error.whole.clone() } else { error.about(&entries) })
    }

    fn objects_of(&self, association: &Association) -> Vec<(usize, &'a str)> {
        let (partner_client, other) = pair(association);
        let ends = [(End::PartnerClient, partner_client), (End::Other, other)];
        ends.iter().filter_map(|end| self.objects.get(end).copied()).collect()
    }
}

/// The associations that a context names by their ends.
///
/// Two lists of the same length are read pair by pair: if every combination is meant instead, the others that are open are
/// asked for again.
fn pairs(context: &Context) -> Vec<Pair<'_>> {
    let ids = |name: &str| context.get(name).map(|ids| ids.iter().map(|id| canonical(id)).collect::<Vec<_>>());
    let is_inverse =
        context.get("fromObjectType").is_some_and(|types| !types.iter().any(|name| is_partner_client(name)));
    match (ids("fromObjectId"), ids("toObjectId")) {
        _ if is_inverse => Vec::new(),
        (Some(from), Some(to)) if from.len() == to.len() => from.into_iter().zip(to).collect(),
        (Some(from), Some(to)) => match (from.as_slice(), to.as_slice()) {
            ([from], to) => to.iter().map(|to| (*from, *to)).collect(),
            (from, [to]) => from.iter().map(|from| (*from, *to)).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
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

    fn about(&self, entries: &[&str]) -> Error {
        let says = |text: &str| entries.iter().any(|entry| text.contains(entry));
        let is_about = |detail: &&types::ErrorDetail| {
            detail.message.as_deref().is_some_and(says) || detail.context.values().flatten().any(|value| says(value))
        };
        let details = self.whole.details().iter().filter(is_about).take(MAX_DETAILS).cloned().collect();
        self.without_names.about(OBJECTS, entries, details)
    }
}

/// Which inputs the error of a batch is about that was refused as a whole.
pub(super) struct Attribution<'a> {
    errors: Errors<'a>,
    /// Pairs that several inputs have, under several types.
    shared: HashSet<Pair<'a>>,
}

impl<'a> Attribution<'a> {
    pub(super) fn new(error: &'a Error, to: &ObjectType, inputs: impl Iterator<Item = &'a Association>) -> Self {
        let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
        for pair in inputs.map(pair) {
            if !seen.insert(pair) {
                shared.insert(pair);
            }
        }
        Self { errors: Errors::new([(error.clone(), error.context())], to), shared }
    }

    /// The error of an input that is named.
    pub(super) fn of(&self, association: &Association) -> Option<Error> {
        let by_object = self.errors.of_object(association);
        by_object.or_else(|| self.errors.of_pair(association).filter(|_| !self.shared.contains(&pair(association))))
    }
}
