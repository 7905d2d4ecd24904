//! What a response to a batch says of each of its inputs.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::attribution::{Errors, Pair, pair};
use crate::{
    association::{Association, spelling},
    associations::types::label_of_unlabeled,
    error::{Error, Result},
    generated::types,
    ids::{ObjectType, canonical, is_number},
    transport::call_meta::CallMeta,
};

/// What a response says of an input.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A result says that it was carried out.
    Done,
    /// An error names it.
    Refused(Error),
    /// Nothing that is certain: it has to be asked for again.
    Unknown,
}

impl Verdict {
    /// The result of the input, where there is one.
    pub(super) fn result(self) -> Option<Result<()>> {
        match self {
            Self::Done => Some(Ok(())),
            Self::Refused(error) => Some(Err(error)),
            Self::Unknown => None,
        }
    }
}

/// An association type in one form.
type Type<'a> = Cow<'a, str>;

/// What a response with results and errors says of each input.
///
/// An input is done where a result has both its ends and its type. HubSpot lists inverse associations among the results,
/// with the ends and the type of the other direction, so ends alone prove nothing where a batch has both directions.
///
/// HubSpot may answer with the name of a type that was given by its id, or the other way round. Such a spelling counts as
/// the type asked for once the response itself shows which it is: by a pair that was asked for under this one type and in
/// this one direction, unless another pair contradicts it.
pub(super) struct Verdicts<'a> {
    asked: HashMap<Pair<'a>, Vec<Type<'a>>>,
    listed: HashMap<Pair<'a>, Vec<Type<'a>>>,
    /// The other spelling of a type that was asked for.
    spelled: HashMap<Type<'a>, Type<'a>>,
    errors: Errors<'a>,
}

impl<'a> Verdicts<'a> {
    /// `inputs` has each association once.
    pub(super) fn new(
        response: &'a types::BatchResponsePublicAssociationWithErrors,
        operation: &'static str,
        meta: &CallMeta,
        to: &ObjectType,
        inputs: impl Iterator<Item = &'a Association>,
    ) -> Self {
        let mut asked = HashMap::<_, Vec<_>>::new();
        for association in inputs {
            let association_type = spelling(association.association_type.as_str());
            asked.entry(pair(association)).or_default().push(association_type);
        }
        let mut listed = HashMap::<_, Vec<_>>::new();
        let results = if meta.is_complete(response.status.as_str()) { response.results.as_slice() } else { &[] };
        for result in results {
            let ends = (canonical(result.from.id.as_str()), canonical(result.to.id.as_str()));
            if asked.contains_key(&ends) {
                let (listed, listed_type) = (listed.entry(ends).or_default(), spelling(&result.type_));
                if !listed.contains(&listed_type) {
                    listed.push(listed_type);
                }
            }
        }
        let spelled = spellings(&asked, &listed);
        let error =
            |error: &'a types::StandardError| (Error::in_batch(error).in_call(operation, meta, false), &error.context);
        Self { asked, listed, spelled, errors: Errors::new(response.errors.iter().map(error), to) }
    }

    pub(super) fn of(&self, association: &Association) -> Verdict {
        match self.said_of(association) {
            // It was not looked at, or HubSpot failed at it.
            Verdict::Refused(error) if error.is_retryable() => Verdict::Unknown,
            verdict => verdict,
        }
    }

    fn said_of(&self, association: &Association) -> Verdict {
        let asked = self.asked.get(&pair(association)).map(Vec::as_slice).unwrap_or_default();
        let is_listed = self.is_listed(association, &spelling(association.association_type.as_str()));
        if let Some(error) = self.errors.of_pair(association) {
            let open = asked.iter().filter(|asked| !self.is_listed(association, asked)).count();
            return match (asked.len(), open) {
                // It is both made and refused.
                (1, _) if is_listed => Verdict::Refused(error.after_what_may_be_done()),
                (1, _) => Verdict::Refused(error),
                // It is about another type of the pair.
                (_, 1..) if is_listed => Verdict::Done,
                (_, 1) => Verdict::Refused(error),
                _ => self.errors.of_object(association).map_or(Verdict::Unknown, Verdict::Refused),
            };
        }
        if is_listed {
            return Verdict::Done;
        }
        self.errors.of_object(association).map_or(Verdict::Unknown, Verdict::Refused)
    }

    fn is_listed(&self, association: &Association, asked: &Type<'_>) -> bool {
        let (from, to) = pair(association);
        let listed = self.listed.get(&(from, to)).map(Vec::as_slice).unwrap_or_default();
        // Where both records have the same id, the inverse has these ends too: it is there if the association is.
        let is_alone = from == to && self.asked.get(&(from, to)).is_some_and(|asked| asked.len() == 1);
        listed.contains(asked)
            || self.spelled.get(asked).is_some_and(|other| listed.contains(other))
            || (is_alone && listed.iter().any(|listed| is_number(listed) != is_number(asked)))
    }
}

/// The other spelling of each type, where the response shows it and nothing contradicts.
fn spellings<'a>(
    asked: &HashMap<Pair<'a>, Vec<Type<'a>>>,
    listed: &HashMap<Pair<'a>, Vec<Type<'a>>>,
) -> HashMap<Type<'a>, Type<'a>> {
    let mut shown = HashSet::new();
    for (&(from, to), types) in asked {
        let ([asked_type], false) = (types.as_slice(), asked.contains_key(&(to, from))) else { continue };
        let listed = listed.get(&(from, to)).map(Vec::as_slice).unwrap_or_default();
        if !listed.contains(asked_type) {
            // HubSpot may list a label's unlabelled companion beside it.
            let is_companion = |name: &Type<'_>| {
                label_of_unlabeled(name).is_some_and(|label| listed.iter().any(|listed| listed == label))
            };
            let other =
                listed.iter().filter(|listed| is_number(listed) != is_number(asked_type) && !is_companion(listed));
            shown.extend(other.map(|listed| (asked_type.clone(), listed.clone())));
        }
    }
    let (mut of_asked, mut of_listed) = (HashMap::<_, u32>::new(), HashMap::<_, u32>::new());
    for (asked, listed) in &shown {
        *of_asked.entry(asked.clone()).or_default() += 1;
        *of_listed.entry(listed.clone()).or_default() += 1;
    }
    shown.retain(|(asked, listed)| of_asked.get(asked) == Some(&1) && of_listed.get(listed) == Some(&1));
    shown.into_iter().collect()
}
