//! A server that keeps the truth of associations between partner clients and companies, in every version of HubSpot's API,
//! and fails what it is told to.
#![allow(dead_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{RawServer, http, tcp::read_request};

/// Partner client, company, type.
pub type Triple = (u64, u64, &'static str);

/// The association types, with the type that stands beside labels at the end: HubSpot's own in dated versions, where the
/// others are a user's, labelled with the name.
pub const TYPES: [(&str, &str); 4] =
    [("7", "Owner"), ("8", "payer"), ("9", "client_to_company"), ("10", "client_to_company_unlabeled")];
pub const UNLABELED: &str = "client_to_company_unlabeled";
/// Their names in lower case.
pub const NAMES: [&str; 4] = ["owner", "payer", "client_to_company", UNLABELED];

/// How a server treats the unlabeled type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Companions {
    /// As any other.
    #[default]
    None,
    /// A pair with a label is listed by it as well.
    Listed,
    /// A label brings it along and leaves it behind, and it takes all labels along.
    Base,
}

#[derive(Debug, Default)]
pub struct World {
    pub associations: BTreeSet<Triple>,
    pub companions: Companions,
    /// Answers with type ids in place of names, as JSON numbers.
    pub types_as_numbers: bool,
    pub unknown: BTreeSet<u64>,
    /// A company takes one partner client.
    pub one_client_each: bool,
    /// Each change of these is refused.
    pub refused: BTreeSet<Triple>,
    /// Each change of these ends without an answer, and is carried out if the flag says so.
    pub lost: BTreeSet<(Triple, bool)>,
    /// Batches of several are accepted and carried out later; meanwhile each change by itself is refused as a conflict.
    pub accepts: bool,
    /// Every removal, in order.
    pub removals: Vec<Triple>,
    pub requests: Vec<String>,
    /// The answer to each batch of partner clients, in place of the truth.
    pub read: Option<Value>,
    /// The answers of dated versions to batches that make and that remove associations, in place of the truth. Nothing is
    /// removed then.
    pub set: Option<Value>,
    pub archived: Option<Value>,
    /// The answer of dated versions for one partner client, in place of the truth.
    pub alone: Option<Value>,
    /// The association types that dated versions list, in place of the truth.
    pub labels: Option<Value>,
    /// Leaves partner clients without associations out of its answers.
    pub silent: bool,
}

pub struct Truth {
    pub server: RawServer,
    world: Arc<Mutex<World>>,
}

impl Truth {
    pub async fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let shared = Arc::clone(&world);
        let server = RawServer::start(move |mut stream, _| {
            let world = Arc::clone(&shared);
            async move {
                let request = read_request(&mut stream).await;
                let answer = world.lock().unwrap().answer(&request)?;
                let _ = stream.write_all(answer.as_bytes()).await;
                Some(stream)
            }
        })
        .await;
        Self { server, world }
    }

    pub fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl World {
    /// All that is listed.
    pub fn all_listed(&self) -> BTreeSet<Triple> {
        let clients: BTreeSet<_> = self.associations.iter().map(|(client, ..)| *client).collect();
        let listed = |client| self.listed(client).into_iter().map(move |(company, name)| (client, company, name));
        clients.into_iter().flat_map(listed).collect()
    }

    /// What is listed of a partner client.
    fn listed(&self, client: u64) -> BTreeSet<(u64, &'static str)> {
        let of_client = self.associations.iter().filter(|(c, _, _)| *c == client);
        let mut listed: BTreeSet<_> = of_client.map(|(_, company, name)| (*company, *name)).collect();
        if self.companions == Companions::Listed {
            let beside: Vec<_> = listed.iter().map(|(company, _)| (*company, UNLABELED)).collect();
            listed.extend(beside);
        }
        listed
    }

    pub fn add(&mut self, (client, company, name): Triple) {
        self.associations.insert((client, company, name));
        if self.companions == Companions::Base {
            self.associations.insert((client, company, UNLABELED));
        }
    }

    /// Sets the labels of a pair, as dated versions do.
    fn set(&mut self, (client, company): (u64, u64), names: &[&'static str]) {
        let labels = NAMES.into_iter().filter(|name| *name != UNLABELED && !names.contains(name));
        for ended in labels.map(|name| (client, company, name)) {
            if self.associations.remove(&ended) {
                self.removals.push(ended);
            }
        }
        names.iter().for_each(|name| self.add((client, company, name)));
    }

    fn remove(&mut self, pair: Triple) {
        self.removals.push(pair);
        self.associations.remove(&pair);
        if self.companions == Companions::Base && pair.2 == UNLABELED {
            self.associations.retain(|(client, company, _)| (*client, *company) != (pair.0, pair.1));
        }
    }

    fn is_full(&self, (client, company, _): Triple) -> bool {
        self.one_client_each && self.associations.iter().any(|(c, o, _)| *o == company && *c != client)
    }

    fn type_of(&self, name: &str) -> Value {
        let (id, name) = TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).unwrap();
        if self.types_as_numbers { json!(id.parse::<u64>().unwrap()) } else { json!(name) }
    }

    /// `None` where the connection ends without an answer.
    fn answer(&mut self, request: &str) -> Option<String> {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut line = head.split(' ');
        let (method, path) = (line.next().unwrap(), line.next().unwrap());
        let path = path.split('?').next().unwrap();
        self.requests.push(head.to_owned());
        let answer = |status: u16, body: Value| Some(http(status, "application/json", &body.to_string()));
        if let Some(path) = path.strip_prefix("/crm/associations/2026-") {
            return self.answer_dated(
                path.split_once("companies/").unwrap().1,
                &serde_json::from_str(body).unwrap_or_default(),
            );
        }
        if path.ends_with("/types") {
            let types = TYPES.map(|(id, name)| json!({"id": id, "name": name}));
            return answer(200, json!({"results": types}));
        }
        if let Some(action) = path.strip_prefix("/crm/v3/associations/partner_clients/companies/batch/") {
            let body: Value = serde_json::from_str(body).unwrap();
            let inputs = body["inputs"].as_array().unwrap().clone();
            if action == "read" {
                return answer(207, self.read.clone().unwrap_or_else(|| self.read(&inputs, false)));
            }
            let pairs: Vec<_> = inputs.iter().map(pair).collect();
            if self.accepts {
                return self.accept(&pairs, action == "create");
            }
            if self.is_lost(&pairs, action == "create") {
                return None;
            }
            if pairs.iter().any(|pair| self.refused.contains(pair) || action == "create" && self.is_full(*pair)) {
                return answer(400, refusal());
            }
            if action == "create" {
                pairs.into_iter().for_each(|pair| self.add(pair));
                return answer(201, complete(json!({"results": inputs})));
            }
            pairs.into_iter().for_each(|pair| self.remove(pair));
            return Some(http(204, "application/json", ""));
        }
        // Alone: /crm/v3/objects/partner_clients/{}/associations/companies[/{}/{}], or /crm/objects/2026-09/…
        let segments: Vec<_> = path.split('/').collect();
        let client: u64 = segments[5].parse().unwrap();
        if self.unknown.contains(&client) {
            let not_found = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"});
            return answer(404, not_found);
        }
        let is_dated = !path.starts_with("/crm/v3/");
        if method == "GET" && is_dated {
            return answer(200, self.alone.clone().unwrap_or_else(|| json!({"results": self.labelled(client)})));
        }
        if method == "GET" {
            let results: Vec<_> = self.listed(client).into_iter().map(|(id, name)| self.associated(id, name)).collect();
            return answer(200, json!({"results": results}));
        }
        if is_dated {
            let input = json!({"from": {"id": client.to_string()}, "to": {"id": segments[8]},
                "types": serde_json::from_str::<Value>(body).unwrap()});
            return self.set_all(&[input], |mut set| answer(201, set.remove(0)));
        }
        let pair = (client, segments[8].parse().unwrap(), known(segments[9]));
        if self.accepts {
            return self.accept(&[pair], method == "PUT");
        }
        if self.is_lost(&[pair], method == "PUT") {
            return None;
        }
        if self.refused.contains(&pair) || method == "PUT" && self.is_full(pair) {
            return answer(400, refusal());
        }
        if method == "PUT" {
            self.add(pair);
            return answer(200, serde_json::from_str(super::DOCUMENTED).unwrap());
        }
        self.remove(pair);
        Some(http(204, "application/json", ""))
    }

    /// What dated versions do with many.
    fn answer_dated(&mut self, action: &str, body: &Value) -> Option<String> {
        let answer = |status: u16, body: Value| Some(http(status, "application/json", &body.to_string()));
        if action == "labels" {
            let labels = json!(NAMES.map(|name| self.label(name)));
            return answer(200, json!({"results": self.labels.as_ref().unwrap_or(&labels)}));
        }
        let inputs = body["inputs"].as_array().unwrap().clone();
        match action {
            "batch/read" => answer(207, self.read.clone().unwrap_or_else(|| self.read(&inputs, true))),
            "batch/create" => {
                let instead = self.set.clone();
                self.set_all(&inputs, |set| answer(201, instead.unwrap_or_else(|| complete(json!({"results": set})))))
            }
            "batch/labels/archive" => {
                let triples: Vec<_> = inputs.iter().flat_map(dated).collect();
                if self.accepts {
                    return self.accept(&triples, false);
                }
                if self.is_lost(&triples, false) {
                    return None;
                }
                if triples.iter().any(|triple| self.refused.contains(triple)) {
                    return answer(400, refusal());
                }
                if let Some(archived) = self.archived.clone() {
                    return answer(200, archived);
                }
                triples.into_iter().for_each(|triple| self.remove(triple));
                answer(200, complete(json!({"results": []})))
            }
            other => panic!("{other}"),
        }
    }

    /// Sets the labels of pairs, and answers with them.
    fn set_all(&mut self, inputs: &[Value], answer: impl FnOnce(Vec<Value>) -> Option<String>) -> Option<String> {
        let all: Vec<_> = inputs.iter().map(dated).collect();
        let new: Vec<_> = all.iter().flatten().filter(|triple| !self.associations.contains(triple)).copied().collect();
        if self.accepts {
            return self.accept(&all.concat(), true);
        }
        // It is carried out whole.
        if self.is_lost(&all.concat(), true) {
            return None;
        }
        if new.iter().any(|triple| self.refused.contains(triple) || self.is_full(*triple)) {
            return Some(http(400, "application/json", &refusal().to_string()));
        }
        let mut set = Vec::new();
        for (input, triples) in inputs.iter().zip(&all) {
            let names: Vec<_> = triples.iter().map(|(_, _, name)| *name).collect();
            let (client, company, _) = triples[0];
            self.set((client, company), &names);
            set.push(json!({"fromObjectTypeId": "0-145", "fromObjectId": input["from"]["id"], "toObjectTypeId": "0-2",
                "toObjectId": company, "labels": names}));
        }
        answer(set)
    }

    /// A type as dated versions show it.
    pub fn label(&self, name: &str) -> Value {
        let (id, name) = TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).unwrap();
        let (category, label) = match *name {
            UNLABELED => ("HUBSPOT_DEFINED", Value::Null),
            label => ("USER_DEFINED", json!(label)),
        };
        json!({"category": category, "typeId": id.parse::<u64>().unwrap(), "label": label})
    }

    /// What dated versions list of a partner client.
    pub fn labelled(&self, client: u64) -> Vec<Value> {
        let mut objects = BTreeMap::<u64, Vec<Value>>::new();
        for (company, name) in self.listed(client) {
            objects.entry(company).or_default().push(self.label(name));
        }
        let id = |company: u64| if self.types_as_numbers { json!(company) } else { json!(company.to_string()) };
        objects
            .into_iter()
            .map(|(company, types)| json!({"toObjectId": id(company), "associationTypes": types}))
            .collect()
    }

    /// Whether no answer comes. Then all of it is carried out, or nothing.
    fn is_lost(&mut self, pairs: &[Triple], add: bool) -> bool {
        let lost = |done| pairs.iter().any(|pair| self.lost.contains(&(*pair, done)));
        let (carried_out, not) = (lost(true), lost(false));
        if carried_out {
            for pair in pairs {
                if add { self.add(*pair) } else { self.remove(*pair) }
            }
        }
        carried_out || not
    }

    fn accept(&mut self, triples: &[Triple], add: bool) -> Option<String> {
        if triples.len() == 1 {
            let conflict = json!({"status": "error", "category": "CONFLICT", "message": "busy", "correlationId": "c"});
            return Some(http(409, "application/json", &conflict.to_string()));
        }
        for triple in triples {
            if add { self.add(*triple) } else { self.remove(*triple) }
        }
        Some(http(202, "application/json", &json!({"status": "PROCESSING", "results": []}).to_string()))
    }

    fn associated(&self, company: u64, name: &str) -> Value {
        json!({"id": company.to_string(), "type": self.type_of(name)})
    }

    fn read(&self, inputs: &[Value], dated: bool) -> Value {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let id = input["id"].as_str().unwrap();
            let client = id.parse().unwrap();
            let listed = self.listed(client);
            if self.unknown.contains(&client) {
                let error =
                    json!({"category": "OBJECT_NOT_FOUND", "message": "no such object", "context": {"ids": [id]}});
                errors.push(error);
            } else if !listed.is_empty() {
                let to: Vec<_> = match dated {
                    true => self.labelled(client),
                    false => listed.into_iter().map(|(id, name)| self.associated(id, name)).collect(),
                };
                results.push(json!({"from": {"id": id}, "to": to}));
            } else if !self.silent {
                errors.push(json!({
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": "none",
                    "context": {"fromObjectId": [id]},
                }));
            }
        }
        complete(json!({"results": results, "numErrors": errors.len(), "errors": errors}))
    }
}

fn complete(mut body: Value) -> Value {
    body["status"] = json!("COMPLETE");
    for time in ["startedAt", "completedAt"] {
        body[time] = json!("2026-01-01T00:00:00Z");
    }
    body
}

fn refusal() -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": "refused", "correlationId": "c"})
}

fn known(name: &str) -> &'static str {
    let found = TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    NAMES.into_iter().find(|known| found.is_some_and(|(_, name)| name.eq_ignore_ascii_case(known))).unwrap()
}

/// Each type of an input of a dated version.
fn dated(input: &Value) -> Vec<Triple> {
    let id = |end: &str| input[end]["id"].as_str().unwrap().parse().unwrap();
    let name = |spec: &Value| {
        let number = spec["associationTypeId"].as_u64().unwrap().to_string();
        let (_, name) = TYPES.iter().find(|(id, _)| *id == number).unwrap();
        assert_eq!(spec["associationCategory"], if *name == UNLABELED { "HUBSPOT_DEFINED" } else { "USER_DEFINED" });
        known(name)
    };
    input["types"].as_array().unwrap().iter().map(|spec| (id("from"), id("to"), name(spec))).collect()
}

fn pair(input: &Value) -> Triple {
    let id = |end: &str| input[end]["id"].as_str().unwrap().parse().unwrap();
    (id("from"), id("to"), known(input["type"].as_str().unwrap()))
}
