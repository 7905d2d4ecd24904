//! The comparisons that make an association of two objects that have none, and remove it again.

use hubspot_partner_clients::{AssociationDefinition, Client};
use serde_json::{Value, json};

use super::{
    super::write,
    ask::{Answer, Ask, Paths, id},
    read::{MISSING, numbers},
    report::{Found, Report},
};
use crate::{arguments::Association, failure::Failure};

/// An association type that no account has.
const UNKNOWN_NAME: &str = "no_such_association_type";
const UNKNOWN_ID: u64 = 2_147_483_647;
const NOT_SHOWN: &str = "HubSpot does not list the association";

/// An association to make in one version.
pub(super) struct Made<'a> {
    pub(super) client: Client,
    pub(super) pair: &'a Association,
    /// By its number, where that could be found out.
    pub(super) association_type: String,
    /// The association types of the pair with their labels; empty where no dated version answers.
    pub(super) labels: Vec<AssociationDefinition>,
}

impl Made<'_> {
    pub(super) async fn compare(&self, ask: &Ask<'_>, paths: Paths, report: &mut Report) -> Result<(), Failure> {
        match write::types(&self.client, self.pair).await? {
            Some(before) if before.is_empty() => {}
            before => {
                report.nothing_made(before.map_or(write::UNREAD, |_| "the two objects are associated already"));
                return Ok(());
            }
        }
        let definition = self.labels.iter().find(|known| known.id.to_string() == self.association_type);
        let Some(inputs) = self.inputs(paths.0.is_dated(), definition) else {
            report.nothing_made("HubSpot does not list the association type");
            return Ok(());
        };
        let create = paths.associations(&format!("partner_clients/{}/batch/create", self.to_type()?));
        let [known, ..] = &inputs;
        let made = ask.post(&create, &json!({"inputs": [known]})).await;
        if let Ok(answer) = &made
            && (400..500).contains(&answer.status)
        {
            report.nothing_made(answer.says_nothing().unwrap_or("HubSpot did not make the association"));
            return Ok(());
        }
        // Whatever comes of it, it is taken back: also what was made and not answered.
        let outcome = match made {
            Ok(made) => self.examine(ask, paths, (definition, &inputs, &made), report).await,
            Err(failure) => Err(failure),
        };
        let removed = self.remove().await;
        outcome.and(removed)
    }

    /// The comparisons, while the association exists.
    async fn examine(
        &self,
        ask: &Ask<'_>,
        paths: Paths,
        (definition, [known, missing, unknown], made): (Option<&AssociationDefinition>, &[Value; 3], &Answer),
        report: &mut Report,
    ) -> Result<(), Failure> {
        let version = paths.0;
        let create = paths.associations(&format!("partner_clients/{}/batch/create", self.to_type()?));
        if !version.is_dated() {
            let found = Found::status(made, 201).or(Found::unless(made.results().len() == 1, "more than one result"));
            let believed = "a batch that creates is a 201 without the inverse";
            report.compare("inverse-results", version, believed, made.says_nothing(), found);
            let answer = ask.post(&create, &json!({"inputs": [unknown]})).await?;
            let found = Found::status(&answer, 400).or(Found::unless(!has_context(&answer), "its error has a context"));
            report.compare(
                "unknown-type",
                version,
                "an unknown type stands in the message alone",
                answer.says_nothing(),
                found,
            );
        }
        let twice = ask.post(&create, &json!({"inputs": [known, known]})).await?;
        let found = (!(200..300).contains(&twice.status)).then_some(Found::Status(twice.status));
        report.compare("duplicates", version, "a batch may name an association twice", twice.says_nothing(), found);
        let invalid = ask.post(&create, &json!({"inputs": [known, missing]})).await?;
        let found =
            Found::status(&invalid, 400).or(Found::unless(has_context(&invalid), "a refusal that names nothing"));
        let believed = "a batch with a missing object is refused as a whole, and the error names it";
        report.compare("invalid-associations", version, believed, invalid.says_nothing(), found);

        let has_label = definition.is_some_and(|known| known.label.is_some());
        if !has_label {
            for belief in ["companions", "unlabeled-ends-labels"] {
                report.not_compared(belief, "it takes --write with the type of a label");
            }
        }
        if version.is_dated() {
            let (answer, listed) = self.listed(ask, paths, true).await?;
            numbers(&answer, listed.as_ref(), version, report);
            if has_label {
                self.labels(ask, paths, (&answer, listed.as_ref()), report).await?;
            }
            let archive = paths.associations(&format!("partner_clients/{}/batch/labels/archive", self.to_type()?));
            for (input, believed, status) in [
                (unknown, "an unknown type refuses a batch that removes labels", 400),
                (known, "a batch that removes labels is a 200", 200),
            ] {
                let answer = ask.post(&archive, &json!({"inputs": [input]})).await?;
                report.compare(
                    "labels-archive",
                    version,
                    believed,
                    answer.says_nothing(),
                    Found::status(&answer, status),
                );
            }
        } else if has_label {
            let types = match write::shown(&self.client, self.pair).await? {
                Some(types) if !types.is_empty() => types,
                types => {
                    report.not_compared("companions", types.map_or(write::UNREAD, |_| NOT_SHOWN));
                    return Ok(());
                }
            };
            let found = Found::unless(types.len() == 1, "it does");
            report.compare(
                "companions",
                version,
                "in v3 a label does not bring the unlabelled type along",
                made.says_nothing(),
                found,
            );
        }
        Ok(())
    }

    /// What a label brings along, and what ends it, in a dated version.
    async fn labels(
        &self,
        ask: &Ask<'_>,
        paths: Paths,
        (answer, listed): (&Answer, Option<&Value>),
        report: &mut Report,
    ) -> Result<(), Failure> {
        let Some(listed) = listed else {
            for belief in ["companions", "unlabeled-ends-labels"] {
                report.not_compared(belief, answer.says_nothing().unwrap_or(NOT_SHOWN));
            }
            return Ok(());
        };
        let types = listed.get("associationTypes").and_then(Value::as_array);
        let unlabeled = types.into_iter().flatten().find(|kind| kind.get("label").is_none_or(Value::is_null));
        let found = Found::unless(unlabeled.is_some(), "it does not");
        report.compare("companions", paths.0, "a label brings the unlabelled type along", answer.says_nothing(), found);
        let Some(unlabeled) = unlabeled else { return Ok(()) };
        let spec = json!({
            "associationCategory": unlabeled.get("category"),
            "associationTypeId": unlabeled.get("typeId"),
        });
        let archive = paths.associations(&format!("partner_clients/{}/batch/labels/archive", self.to_type()?));
        let inputs = json!({"inputs": [self.input("types", &json!([spec]), &self.pair.to_id)]});
        let removed = ask.post(&archive, &inputs).await?;
        if !(200..300).contains(&removed.status) {
            let why = removed.says_nothing().unwrap_or("HubSpot did not remove the unlabelled type");
            report.not_compared("unlabeled-ends-labels", why);
            return Ok(());
        }
        let (answer, left) = self.listed(ask, paths, false).await?;
        let believed = "removing the unlabelled type removes the labels";
        let found = Found::status(&answer, 200).or(Found::unless(left.is_none(), "it does not"));
        report.compare("unlabeled-ends-labels", paths.0, believed, answer.says_nothing(), found);
        Ok(())
    }

    /// The association, one with an object that does not exist, and one of a type that does not.
    fn inputs(&self, is_dated: bool, definition: Option<&AssociationDefinition>) -> Option<[Value; 3]> {
        let (member, known, unknown) = if is_dated {
            let known = definition?;
            let number: u64 = known.id.as_str().parse().ok()?;
            let spec = |id: u64| json!([{"associationCategory": known.category, "associationTypeId": id}]);
            ("types", spec(number), spec(UNKNOWN_ID))
        } else {
            ("type", json!(self.association_type), json!(UNKNOWN_NAME))
        };
        let to_id = &self.pair.to_id;
        Some([
            self.input(member, &known, to_id),
            self.input(member, &known, &MISSING.to_string()),
            self.input(member, &unknown, to_id),
        ])
    }

    fn input(&self, member: &str, association_type: &Value, to_id: &str) -> Value {
        json!({"from": {"id": self.pair.partner_client}, "to": {"id": to_id}, member: association_type})
    }

    /// How a dated version lists the other object. HubSpot may take a moment until it shows what was written.
    async fn listed(&self, ask: &Ask<'_>, paths: Paths, expected: bool) -> Result<(Answer, Option<Value>), Failure> {
        let mut listed = self.listed_now(ask, paths).await?;
        for _ in 0..write::PATIENCE {
            if listed.1.is_some() == expected {
                break;
            }
            tokio::time::sleep(write::MOMENT).await;
            listed = self.listed_now(ask, paths).await?;
        }
        Ok(listed)
    }

    async fn listed_now(&self, ask: &Ask<'_>, paths: Paths) -> Result<(Answer, Option<Value>), Failure> {
        let Association { partner_client, to_id, .. } = self.pair;
        let client: u64 = partner_client.parse().map_err(|_| number("partner client", partner_client))?;
        let other: u64 = to_id.parse().map_err(|_| number("other object", to_id))?;
        let path = format!("partner_clients/{client}/associations/{}?limit=500", self.to_type()?);
        let answer = ask.get(&paths.objects(&path)).await?;
        let listed = answer.results().iter().find(|listed| id(listed.get("toObjectId")) == Some(other)).cloned();
        Ok((answer, listed))
    }

    /// The type of the other object, which becomes part of a path.
    fn to_type(&self) -> Result<&str, Failure> {
        let to_type = &self.pair.to_type;
        if to_type.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            return Ok(to_type);
        }
        Err(Failure::usage(format!("`{to_type}` is not the type of an object, such as companies or 2-1234567")))
    }

    /// Removes the association and whatever came with it.
    async fn remove(&self) -> Result<(), Failure> {
        let Association { partner_client, to_type, to_id, .. } = self.pair;
        let look = format!(
            "Look at partner client {partner_client} and {to_type} {to_id} in HubSpot, and remove what is too much."
        );
        let left = write::remove(&self.client, self.pair, &self.association_type).await;
        let left = left.map_err(|error| Failure::from(error).and_then_do(&look))?;
        let trouble = match left {
            Some(left) if left.is_empty() => return Ok(()),
            Some(left) => format!("is still there ({})", left.into_iter().collect::<Vec<_>>().join(", ")),
            None => format!("may still be there, because {}", write::UNREAD),
        };
        Err(Failure::usage(format!("the association was made and {trouble}")).and_then_do(&look))
    }
}

fn number(what: &str, text: &str) -> Failure {
    Failure::usage(format!("the id of the {what} is a number for --beliefs, not `{text}`"))
}

fn has_context(answer: &Answer) -> bool {
    answer.member("context").and_then(Value::as_object).is_some_and(|context| !context.is_empty())
}
