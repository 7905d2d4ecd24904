//! A HubSpot on v3 that has the associations of partner clients with objects of one type, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{check::decoded, http, server::Received};

/// The partner client, the other object and the type.
pub type Key = [String; 3];

/// What HubSpot says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// For what it is.
    Refused,
    /// Nothing, and 503 to a change that is alone.
    Unsaid,
}

#[derive(Default)]
pub struct HubSpot {
    pub there: BTreeSet<Key>,
    /// The names of the association types.
    pub types: Vec<String>,
    /// How often each change was asked for, alone and in batches; true for one that adds.
    pub asked: BTreeMap<(bool, Key), u32>,
    /// What it says of the changes of a partner client; it carries out those of the others.
    pub verdicts: BTreeMap<String, Verdict>,
}

impl HubSpot {
    pub fn respond(&mut self, request: &Received) -> Vec<u8> {
        let segments: Vec<_> = request.target().split('/').skip(3).map(decoded).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (status, answer) = match (request.method(), segments.as_slice()) {
            ("GET", ["associations", _, _, "types"]) => (200, self.list_types()),
            ("POST", ["associations", _, _, "batch", "read"]) => (200, self.read(&body)),
            ("POST", ["associations", _, _, "batch", "create"]) => self.batch(&body, true),
            ("POST", ["associations", _, _, "batch", "archive"]) => self.batch(&body, false),
            ("GET", ["objects", _, id, "associations", _]) => (200, json!({"results": self.of(id)})),
            ("PUT" | "DELETE", ["objects", _, id, "associations", _, to, name]) => {
                let adds = request.method() == "PUT";
                match self.change(adds, [id, to, name].map(|part| (*part).to_owned())) {
                    Verdict::Done if adds => (200, json!({"id": id, "properties": {}})),
                    Verdict::Done => (204, Value::Null),
                    Verdict::Refused => (400, refusal()),
                    Verdict::Unsaid => (503, json!({})),
                }
            }
            _ => (404, refusal()),
        };
        http(status, "content-type: application/json\r\n", answer.to_string().as_bytes())
    }

    fn list_types(&self) -> Value {
        // Beyond what a user would take for the number of a type.
        let listed = self.types.iter().zip(1_000_000_000_000_u64..).map(|(name, id)| json!({"id": id, "name": name}));
        json!({"results": Value::from_iter(listed)})
    }

    fn of(&self, id: &str) -> Value {
        let of = self.there.iter().filter(|[client, ..]| client == id);
        Value::from_iter(of.map(|[_, to, name]| json!({"id": to, "type": name})))
    }

    fn read(&self, body: &Value) -> Value {
        let ids = body["inputs"].as_array().unwrap().iter().map(|input| input["id"].as_str().unwrap());
        let results = ids.map(|id| json!({"from": {"id": id}, "to": self.of(id)}));
        json!({"status": "COMPLETE", "results": Value::from_iter(results)})
    }

    fn batch(&mut self, body: &Value, adds: bool) -> (u16, Value) {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        let inputs = body["inputs"].as_array().unwrap();
        for input in inputs {
            let parts = [&input["from"]["id"], &input["to"]["id"], &input["type"]];
            let key = parts.map(|part| part.as_str().unwrap().to_owned());
            let named = json!({"fromObjectId": [key[0]], "toObjectId": [key[1]]});
            match self.change(adds, key) {
                Verdict::Done => results.push(input.clone()),
                Verdict::Refused => {
                    let mut error = refusal();
                    error["context"] = named;
                    errors.push(error);
                }
                Verdict::Unsaid => {}
            }
        }
        match results.len() == inputs.len() {
            true if adds => (201, json!({"status": "COMPLETE", "results": results})),
            true => (204, Value::Null),
            false => (207, json!({"status": "COMPLETE", "results": results, "errors": errors})),
        }
    }

    fn change(&mut self, adds: bool, key: Key) -> Verdict {
        let verdict = self.verdicts.get(&key[0]).copied().unwrap_or(Verdict::Done);
        *self.asked.entry((adds, key.clone())).or_default() += 1;
        match verdict == Verdict::Done {
            true if adds => drop(self.there.insert(key)),
            true => drop(self.there.remove(&key)),
            false => {}
        }
        verdict
    }
}

fn refusal() -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": "x"})
}
