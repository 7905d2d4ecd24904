//! Comparing values: as numbers or times where both sides are, otherwise as text in any case.

use std::cmp::Ordering;

use crate::crm::{
    object::{Id, Stored},
    time::Time,
};

/// A value in a search request, read once for all the objects it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    id: Id,
    number: Option<Number>,
    time: Option<Time>,
    text: String,
}

impl Given {
    pub(crate) fn new(text: &str) -> Self {
        Self { id: Id::new(text), number: Number::read(text), time: Time::to_compare(text), text: text.to_lowercase() }
    }

    /// How a stored value compares with this one; `None` for a time with anything else.
    pub(crate) fn compare(&self, stored: Stored<'_>) -> Option<Ordering> {
        match stored {
            Stored::Id(id) => Some(id.cmp(&self.id)),
            Stored::Time(time) => Some(time.cmp(&self.time?)),
            Stored::Text(text) => Some(self.compare_text(text)),
        }
    }

    fn compare_text(&self, text: &str) -> Ordering {
        if let Some(given) = self.number
            && let Some(number) = Number::read(text)
        {
            return number.cmp(&given);
        }
        if let Some(given) = self.time
            && let Some(time) = Time::from_iso(text)
        {
            return time.cmp(&given);
        }
        text.to_lowercase().cmp(&self.text)
    }
}

/// What a text sorts by: numbers, then times, then all others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortKey {
    Number(Number),
    Time(Time),
    Text(String),
}

impl SortKey {
    pub(crate) fn new(text: &str) -> Self {
        if let Some(number) = Number::read(text) {
            Self::Number(number)
        } else if let Some(time) = Time::from_iso(text) {
            Self::Time(time)
        } else {
            Self::Text(text.to_lowercase())
        }
    }
}

/// A number; an integer is compared exactly, although an `f64` has no room for all of its digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    approximate: f64,
    integer: i128,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        // Rules out what parses as a number and is none here: `inf`, `NaN`.
        if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            return None;
        }
        let approximate: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
        let integer = text.parse().unwrap_or(approximate as i128);
        // Makes the two zeros one.
        Some(Self { approximate: approximate + 0.0, integer })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.approximate.total_cmp(&other.approximate).then(self.integer.cmp(&other.integer))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}
