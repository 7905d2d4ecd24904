//! The objects of one type, and the orders in which they are paged through.

use std::{cmp::Ordering, collections::HashMap, mem};

use crate::crm::{
    computed::{OBJECT_ID, Times},
    object::{Id, Object, Source},
    time::{Clock, Time},
};

/// Which object: none is ever removed, so the number stays the same.
pub(crate) type Row = usize;

/// The objects of one type. A live one stands in each of the three orders, so that a page begins where it should without
/// a look at what comes before it.
#[derive(Debug)]
pub(crate) struct Store {
    times: Times,
    /// The seeded ones by id, then the others by age.
    objects: Vec<Object>,
    by_id: Vec<Row>,
    live: Vec<Row>,
    archived: Vec<Row>,
    by_created: Vec<Row>,
    by_modified: Vec<Row>,
    clock: Clock,
}

impl Store {
    /// Of several objects with the same id the last one counts.
    pub(crate) fn new(times: Times, mut objects: Vec<Object>) -> Self {
        objects.sort_by(|a, b| a.id.cmp(&b.id));
        objects.dedup_by(|later, earlier| {
            let same = later.id == earlier.id;
            if same {
                mem::swap(later, earlier);
            }
            same
        });
        let (archived, live): (Vec<_>, Vec<_>) =
            (0..objects.len()).partition(|row| objects[*row].archived_at.is_some());
        let (mut by_created, mut by_modified) = (live.clone(), live.clone());
        by_created.sort_by_key(|row| objects[*row].created_at);
        by_modified.sort_by_key(|row| objects[*row].updated_at);
        let last = objects.iter().map(|object| object.updated_at.max(object.created_at)).max();
        let clock = Clock::behind(last.unwrap_or_else(Time::now));
        let by_id = (0..objects.len()).collect();
        Self { times, objects, by_id, live, archived, by_created, by_modified, clock }
    }

    pub(crate) fn get(&self, row: Row) -> &Object {
        &self.objects[row]
    }

    /// The row of an id, live or archived.
    pub(crate) fn row(&self, id: &str) -> Option<Row> {
        let id = Id::new(id);
        let place = self.by_id.binary_search_by(|row| self.get(*row).id.cmp(&id)).ok()?;
        self.by_id.get(place).copied()
    }

    pub(crate) fn find(&self, id: &str, archived: bool) -> Option<&Object> {
        self.row(id).map(|row| self.get(row)).filter(|object| object.archived_at.is_some() == archived)
    }

    pub(crate) fn live_mut(&mut self, id: &str) -> Option<&mut Object> {
        let row = self.row(id)?;
        self.objects.get_mut(row).filter(|object| object.archived_at.is_none())
    }

    /// The rows of the values of a property that identifies objects: their id, unless it is named.
    pub(crate) fn identify(&self, property: Option<&str>, values: &[&str], archived: bool) -> Vec<Option<Row>> {
        match property {
            None | Some(OBJECT_ID) => {
                let row = |value: &&str| self.row(value).filter(|row| self.is_archived(*row) == archived);
                values.iter().map(row).collect()
            }
            // One pass for all values.
            Some(property) => {
                let mut found: HashMap<&str, Option<Row>> = values.iter().map(|value| (*value, None)).collect();
                for row in self.rows(archived) {
                    if let Some(text) = self.get(*row).text(property)
                        && let Some(entry) = found.get_mut(text.as_ref())
                    {
                        entry.get_or_insert(*row);
                    }
                }
                values.iter().map(|value| found.get(value).copied().flatten()).collect()
            }
        }
    }

    /// The live or archived rows by id, from behind `after`, which need not exist.
    pub(crate) fn rows_after(&self, after: Option<&str>, archived: bool) -> &[Row] {
        let rows = self.rows(archived);
        let start = after.map(Id::new).map_or(0, |after| rows.partition_point(|row| self.get(*row).id <= after));
        rows.get(start..).unwrap_or_default()
    }

    /// The live rows by the values of a property, when they are kept in that order.
    pub(crate) fn order(&self, property: &str) -> Option<&[Row]> {
        match property {
            OBJECT_ID => Some(&self.live),
            name if name == self.times.created => Some(&self.by_created),
            name if name == self.times.modified => Some(&self.by_modified),
            _ => None,
        }
    }

    pub(crate) fn live(&self) -> &[Row] {
        &self.live
    }

    /// All objects by id, archived ones included.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        self.by_id.iter().map(|row| self.get(*row))
    }

    /// Gives properties other values and moves the time of the last change forward.
    /// Without a value it does nothing.
    pub(crate) fn update(&mut self, row: Row, values: Vec<(String, String)>, source: Source) {
        if values.is_empty() {
            return;
        }
        let at = self.clock.tick();
        // Behind all others, so the order stays.
        if self.unmodify(row) {
            self.by_modified.push(row);
        }
        if let Some(object) = self.objects.get_mut(row) {
            object.updated_at = at;
            for (name, value) in values {
                object.set(name, Some(value), at, source);
            }
        }
    }

    /// Makes a property known without a value.
    pub(crate) fn set_null(&mut self, row: Row, name: String) {
        if let Some(object) = self.objects.get_mut(row) {
            object.set(name, None, object.updated_at, Source::Seed);
        }
    }

    /// Archives a live object; false when it is archived already.
    pub(crate) fn archive(&mut self, row: Row) -> bool {
        if self.is_archived(row) {
            return false;
        }
        self.unmodify(row);
        let key = (self.get(row).created_at, row);
        remove(&mut self.by_created, |other| (self.objects[other].created_at, other).cmp(&key));
        let id = &self.objects[row].id;
        remove(&mut self.live, |other| self.objects[other].id.cmp(id));
        let place = self.archived.partition_point(|other| self.objects[*other].id < *id);
        self.archived.insert(place, row);
        let at = self.clock.tick();
        if let Some(object) = self.objects.get_mut(row) {
            object.archived_at = Some(at);
            object.associations.clear();
        }
        true
    }

    /// Adds an object under a new id, with these properties.
    pub(crate) fn create(&mut self, values: Vec<(String, String)>) -> Row {
        let at = self.clock.tick();
        let numbered = self.by_id.partition_point(|row| self.get(*row).id.number().is_some());
        let last = numbered.checked_sub(1).and_then(|place| self.get(*self.by_id.get(place)?).id.number());
        let mut object =
            Object::new(Id::new(last.unwrap_or_default().saturating_add(1).to_string()), self.times, at, at);
        for (name, value) in values {
            object.set(name, Some(value), at, Source::Api);
        }
        let row = self.objects.len();
        let place = self.live.partition_point(|other| self.get(*other).id < object.id);
        self.live.insert(place, row);
        // Numbers come first, so the new one stands behind all of them.
        self.by_id.insert(numbered, row);
        self.by_created.push(row);
        self.by_modified.push(row);
        self.objects.push(object);
        row
    }

    fn rows(&self, archived: bool) -> &[Row] {
        if archived { &self.archived } else { &self.live }
    }

    fn is_archived(&self, row: Row) -> bool {
        self.get(row).archived_at.is_some()
    }

    fn unmodify(&mut self, row: Row) -> bool {
        let updated_at = self.get(row).updated_at;
        // Of those seeded with the same time the row tells the order.
        remove(&mut self.by_modified, |other| (self.objects[other].updated_at, other).cmp(&(updated_at, row)))
    }
}

/// Removes the row that compares as equal.
fn remove(rows: &mut Vec<Row>, compare: impl Fn(Row) -> Ordering) -> bool {
    match rows.binary_search_by(|row| compare(*row)) {
        Ok(place) => {
            rows.remove(place);
            true
        }
        Err(_) => false,
    }
}
