//! How deep schemas lead to one another.

use std::{
    borrow::{Borrow, BorrowMut},
    collections::{BTreeMap, BTreeSet},
};

use openapiv3::{AdditionalProperties, OpenAPI, ReferenceOr, Schema, SchemaKind, Type};

use super::walk;

/// rustc takes four steps from a type to the next one inside it, and gives up after 128; a user's own types need some. From one
/// layer the way leads to the innermost alone.
pub const LAYER: usize = 12;

/// What is nested deeper than two layers may be any value. So may what leads back to where it came from in a circle that is, or
/// leads to, something as deep: in a circle of many schemas each is deep inside the others. A line for each of them is returned.
pub fn limit(api: &mut OpenAPI) -> Vec<String> {
    let mut told = Vec::new();
    let too_many = "a list in it has too many others inside one another";
    for (_, _, operation) in walk::operations(api) {
        let id = operation.operation_id.clone().unwrap_or_default();
        walk::bodies(operation, &mut |what, schema| {
            if shallow(schema, LAYER) {
                told.push(format!("the operation `{id}`, {what}: {too_many}"));
            }
        });
    }
    let Some(components) = &mut api.components else { return told };
    for (name, schema) in &mut components.schemas {
        if shallow(schema, LAYER) {
            told.push(format!("#/components/schemas/{name}: {too_many}"));
        }
    }
    let ways = Nesting::of(components.schemas.iter().map(|(name, schema)| (name.as_str(), schema))).too_deep();
    for (name, schema) in &mut components.schemas {
        walk::references_of(schema, &mut |reference| {
            let inside = reference.strip_prefix(walk::SCHEMAS).unwrap_or_default().to_owned();
            ways.contains(&(name.clone(), inside))
        });
    }
    // What led there or to `null` may be any value as well.
    walk::schemas(api, &mut |schema| {
        if matches!(schema.schema_kind, SchemaKind::AllOf { .. }) && walk::only_reference(schema).is_none() {
            *schema = walk::any();
        }
    });
    told.extend(ways.into_iter().map(|(name, inside)| {
        format!("#/components/schemas/{name}: {inside} is too deep inside other schemas for rustc")
    }));
    told
}

/// Puts any value in place of the lists and maps that are further inside others than this. Whether there are any.
fn shallow<S: BorrowMut<Schema>>(part: &mut ReferenceOr<S>, left: usize) -> bool {
    let ReferenceOr::Item(schema) = part else { return false };
    let schema = schema.borrow_mut();
    if left == 0 && matches!(schema.schema_kind, SchemaKind::Type(Type::Array(_) | Type::Object(_))) {
        *schema = walk::any();
        return true;
    }
    let left = left.saturating_sub(1);
    match &mut schema.schema_kind {
        SchemaKind::Type(Type::Array(list)) => list.items.as_mut().is_some_and(|items| shallow(items, left)),
        SchemaKind::Type(Type::Object(object)) => {
            let fields = object.properties.values_mut().filter_map(|field| shallow(field, left).then_some(())).count();
            let is_value = match &mut object.additional_properties {
                Some(AdditionalProperties::Schema(values)) => shallow(values.as_mut(), left),
                _ => false,
            };
            fields > 0 || is_value
        }
        _ => false,
    }
}

/// What a schema leads to.
#[derive(Default)]
struct Inside<'a> {
    /// How many types it takes to each of the schemas: one, or as many as there are lists and maps around it.
    schemas: BTreeMap<&'a str, usize>,
    /// How many lists and maps there are at most around anything else.
    plain: usize,
}

impl<'a> Inside<'a> {
    fn add<S: Borrow<Schema>>(&mut self, part: &'a ReferenceOr<S>, steps: usize) {
        match (part, walk::reference(part)) {
            (ReferenceOr::Reference { reference }, _) => self.reference(reference, steps),
            (ReferenceOr::Item(_), Some(reference)) => self.reference(reference, steps + 1),
            (ReferenceOr::Item(schema), None) => {
                self.plain = self.plain.max(steps);
                // An object that is written in place is a type of its own.
                self.parts(schema.borrow(), steps + 1, steps.max(1) + 1);
            }
        }
    }

    fn reference(&mut self, reference: &'a str, steps: usize) {
        let name = reference.strip_prefix(walk::SCHEMAS).unwrap_or(reference);
        let known = self.schemas.entry(name).or_default();
        *known = steps.max(1).max(*known);
    }

    fn parts(&mut self, schema: &'a Schema, in_list: usize, in_field: usize) {
        match &schema.schema_kind {
            SchemaKind::Type(Type::Array(list)) => list.items.iter().for_each(|items| self.add(items, in_list)),
            SchemaKind::Type(Type::Object(object)) => {
                object.properties.values().for_each(|field| self.add(field, in_field));
                if let Some(AdditionalProperties::Schema(values)) = &object.additional_properties {
                    self.add(values.as_ref(), in_list + usize::from(schema.schema_data.nullable));
                }
            }
            _ => {}
        }
    }
}

struct Nesting<'a> {
    schemas: BTreeMap<&'a str, Inside<'a>>,
}

/// How many types there are at most from a schema to its innermost, and which circle it is in, by its number.
type Depths<'a> = BTreeMap<&'a str, (usize, usize)>;

impl<'a> Nesting<'a> {
    fn of(schemas: impl Iterator<Item = (&'a str, &'a ReferenceOr<Schema>)>) -> Self {
        let inside = |schema: &'a ReferenceOr<Schema>| {
            let mut inside = Inside::default();
            match schema {
                ReferenceOr::Item(schema) => inside.parts(schema, 1, 0),
                ReferenceOr::Reference { .. } => inside.add(schema, 0),
            }
            inside
        };
        Self { schemas: schemas.map(|(name, schema)| (name, inside(schema))).collect() }
    }

    /// From which schema to which the way is closed, so that none is too deep.
    fn too_deep(mut self) -> BTreeSet<(String, String)> {
        let mut closed = BTreeSet::new();
        let circles = self.depths();
        let (mut seen, mut open) = (BTreeSet::new(), BTreeSet::new());
        for (name, _) in circles.iter().filter(|(_, (depth, _))| *depth > 2 * LAYER) {
            self.leading_back(name, &circles, (&mut seen, &mut open), &mut closed);
        }
        for (name, inside) in &closed {
            if let Some(of) = self.schemas.get_mut(name) {
                of.schemas.remove(inside);
            }
        }
        let depths = self.depths();
        for (name, inside) in &self.schemas {
            let depth = depths[name].0;
            let layer = (depth - 1) / LAYER;
            // How far it is at most from where its layer begins.
            let above = LAYER * (layer + 1) - depth;
            for (inside, steps) in &inside.schemas {
                let further = depths.get(inside).map_or(0, |(depth, _)| *depth);
                let is_in_layer = further > LAYER * layer;
                if !is_in_layer && above + steps + further > 2 * LAYER {
                    closed.insert((name, inside));
                }
            }
        }
        closed.into_iter().map(|(name, inside)| (name.to_owned(), inside.to_owned())).collect()
    }

    fn depths(&self) -> Depths<'a> {
        let mut walk = Walk { nesting: self, found: BTreeMap::new(), open: Vec::new(), depths: BTreeMap::new() };
        for name in self.schemas.keys() {
            if !walk.found.contains_key(name) {
                walk.visit(name);
            }
        }
        walk.depths
    }

    /// The ways in a circle that lead back to where they came from. Without them it is none. A schema that leads to itself may.
    fn leading_back(
        &self,
        name: &'a str,
        circles: &Depths<'a>,
        (seen, open): (&mut BTreeSet<&'a str>, &mut BTreeSet<&'a str>),
        back: &mut BTreeSet<(&'a str, &'a str)>,
    ) {
        let Some(inside) = self.schemas.get(name).filter(|_| seen.insert(name)) else { return };
        open.insert(name);
        let circle = |name: &str| circles.get(name).map(|(_, circle)| *circle);
        for to in inside.schemas.keys().filter(|to| **to != name && circle(to) == circle(name)) {
            if open.contains(to) {
                back.insert((name, to));
            } else {
                self.leading_back(to, circles, (&mut *seen, &mut *open), back);
            }
        }
        open.remove(name);
    }
}

/// Tarjan's search for circles: the innermost are found first, so that the depth of what they lead to is known.
struct Walk<'a, 'n> {
    nesting: &'n Nesting<'a>,
    found: BTreeMap<&'a str, usize>,
    /// What has been found and may still be in a circle with something that is found later.
    open: Vec<&'a str>,
    depths: Depths<'a>,
}

impl<'a> Walk<'a, '_> {
    /// The number of the earliest schema to which the way leads back.
    fn visit(&mut self, name: &'a str) -> usize {
        let number = self.found.len();
        let mut back = number;
        self.found.insert(name, number);
        self.open.push(name);
        let nesting = self.nesting;
        for inside in nesting.schemas[name].schemas.keys().filter(|inside| nesting.schemas.contains_key(*inside)) {
            match self.found.get(inside) {
                None => back = back.min(self.visit(inside)),
                Some(number) if !self.depths.contains_key(inside) => back = back.min(*number),
                Some(_) => {}
            }
        }
        if back == number {
            let start = self.open.iter().position(|open| *open == name).unwrap_or_default();
            let circle = self.open.split_off(start).into_iter().collect();
            self.close(&circle, number);
        }
        back
    }

    /// The way through a circle is at most as long as all of its schemas, and then leads out or back.
    fn close(&mut self, circle: &BTreeSet<&'a str>, number: usize) {
        let (mut through, mut least, mut rest) = (0, usize::MAX, 1);
        for name in circle {
            let inside = &self.nesting.schemas[name];
            rest = rest.max(inside.plain);
            let mut most = 0;
            for (to, steps) in &inside.schemas {
                if circle.contains(to) {
                    most = most.max(*steps);
                    rest = rest.max(*steps);
                } else if let Some((depth, _)) = self.depths.get(to) {
                    rest = rest.max(steps + depth);
                }
            }
            through += most;
            least = least.min(most);
        }
        let depth = through - least + rest;
        self.depths.extend(circle.iter().map(|name| (*name, (depth, number))));
    }
}
