//! Whatever a server answers on the dated versions: each call ends, errors hold what holds of all, and an outcome that HubSpot
//! did not give is none.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{ApiVersion, Association, Client, RateLimit, Result, RetryPolicy, bulk::Outcome};

use super::{
    STATUSES,
    answers::{call, check_object, ends},
    builder,
    check::{check_error, hides},
    http,
    plan::check_same,
    server::{Received, Server},
};

/// Ends an answer.
const END: u8 = 0x1e;

/// A version and an operation, then answers, each a status and a body. The last one is given again.
pub fn dated(data: &[u8]) {
    let [operation, answers @ ..] = data else { return };
    thread_local! {
        static SERVER: Server = Server::start(false);
    }
    SERVER.with(|server| {
        let answers: Vec<(u16, Vec<u8>)> = answers
            .split(|byte| *byte == END)
            .filter_map(|answer| answer.split_first())
            .map(|(status, body)| (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec()))
            .collect();
        let Some(last) = answers.last().cloned() else { return };
        let mut rest = answers.clone().into_iter();
        server.respond(move |_| {
            let (status, body) = rest.next().unwrap_or_else(|| last.clone());
            http(status, "", &body)
        });
        server.exchange.requests.borrow_mut().clear();
        let version = [ApiVersion::V2026_03, ApiVersion::V2026_09][usize::from(operation / 32 % 2)];
        // A client keeps what it has read.
        let client = server.run(async {
            let builder = builder(server).api_version(version).rate_limit(RateLimit::unlimited());
            builder.retry(RetryPolicy::never()).build().unwrap()
        });
        let told = Told { server, answers: &answers };
        server.run(told.call(&client, operation % 32));
    });
}

/// A path, a body, and the status and the body of the answer.
type Change<'a> = (String, String, &'a (u16, Vec<u8>));

struct Told<'a> {
    server: &'a Server,
    answers: &'a [(u16, Vec<u8>)],
}

impl Told<'_> {
    async fn call(&self, client: &Client, operation: u8) {
        let pairs = || (1..4).map(|id| Association::new(id, "companies", id + 6, 1));
        let outcome = match operation {
            0 => self.all(client.associate_many(pairs()).outcomes().collect().await),
            1 => self.all(client.dissociate_many(pairs()).outcomes().collect().await),
            2 => self.all(client.dissociate_many(pairs()).including_labels().outcomes().collect().await),
            3 => self.one(client.associate(1).with("companies", 7).as_type(1).send().await.map(drop)),
            4 => self.one(client.associate(1).with("companies", 7).as_type(1).replacing().send().await.map(drop)),
            5 => self.one(client.associate(1).with("companies", 7).as_default().send().await.map(drop)),
            6 => client.associate(1).with("companies", 7).as_type(1).then_get().await.map(|found| check_object(&found)),
            7 => self.one(client.dissociate(1).with("companies", 7).as_type(1).send().await),
            8 => self.one(client.dissociate(1).with("companies", 7).as_type(1).including_labels().send().await),
            9 => self.one(client.dissociate_all(1, "companies", 7).send().await),
            10 => client.association_types("companies").await.map(|listed| hides(&format!("{listed:?}"))),
            11 => ends(client.associations("512", "companies").pages()).await.map(drop),
            12 => self.plan(client).await,
            13 => client.list().pages().take(3).try_collect::<Vec<_>>().await.map(drop),
            14 => client.account().await.map(|account| hides(&format!("{account:?}"))),
            15 => client.resolve("companies", [("domain", "a.example")]).send().await.pop().unwrap().map(drop),
            // As on v3, where each answer is the same.
            operation if self.answers.len() == 1 && !matches!(operation, 20 | 21 | 22 | 26) => {
                return call(client, operation % 16, self.server, None).await;
            }
            _ => return,
        };
        if let Err(error) = outcome {
            check_error(&error);
        }
    }

    /// What was sent to change something, with its answer.
    fn changes(&self) -> Vec<Change<'_>> {
        let requests = self.server.exchange.requests.borrow();
        let answer = |place: usize| self.answers.get(place).or(self.answers.last()).unwrap();
        let is_change = |request: &Received| request.method() != "GET" && !request.target().ends_with("/read");
        let changes = requests.iter().enumerate().filter(|(_, request)| is_change(request));
        let told = |(place, request): (usize, &Received)| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            (request.target().to_owned(), body, answer(place))
        };
        changes.map(told).collect()
    }

    /// A call that succeeds has had an answer that says so, to what it was about.
    fn one(&self, outcome: Result<()>) -> Result<()> {
        let changes = self.changes();
        if outcome.is_ok() {
            let [(_, _, (status, _))] = changes.as_slice() else { panic!("{changes:?}") };
            assert!(*status < 300, "{changes:?}");
        }
        assert!(changes.len() <= 1, "a change is sent once: {changes:?}");
        outcome
    }

    /// An input is carried out where an answer to a request that has it says so: of it alone any success, of several one that
    /// names it, or that has nothing to name.
    fn all(&self, outcomes: Vec<Outcome>) -> Result<()> {
        assert_eq!(outcomes.iter().map(|outcome| outcome.index).collect::<Vec<_>>(), [0, 1, 2]);
        let changes = self.changes();
        for outcome in outcomes {
            let (from, to) = (outcome.index + 1, outcome.index + 7);
            let is_asked = |target: &str, body: &str| {
                target.contains(&format!("/{from}/")) || body.contains(&format!(r#""from":{{"id":"{from}"}}"#))
            };
            let about: Vec<_> = changes.iter().filter(|(target, body, _)| is_asked(target, body)).collect();
            let is_said = |(target, body, (status, answer)): &&Change<'_>| {
                let is_alone = target.contains(&format!("/{from}/")) || body.matches(r#""from""#).count() == 1;
                let answer = String::from_utf8_lossy(answer);
                let is_named = answer.contains(&from.to_string()) && answer.contains(&to.to_string());
                // A batch that removes is answered without its inputs.
                let is_removal = target.ends_with("/labels/archive");
                *status < 300 && (is_alone || is_named || *status == 204 || is_removal && !answer.is_empty())
            };
            match &outcome.result {
                Ok(()) => assert!(about.iter().any(is_said), "nobody said {outcome:?}: {changes:?}"),
                Err(error) => check_error(error),
            }
            // Once with others, and once alone where that said nothing.
            assert!(about.len() <= 3, "{about:?}");
        }
        Ok(())
    }

    /// A plan removes nothing that HubSpot did not list, and adds nothing but what is desired.
    async fn plan(&self, client: &Client) -> Result<()> {
        let desired = [("1", ("companies", "7"), "1"), ("2", ("companies", "8"), "1")];
        let plan = client.reconcile([1, 2], "companies", desired).plan().await?;
        hides(&format!("{plan} {plan:?}"));
        let pairs: BTreeSet<_> =
            plan.add.iter().map(|c| (c.partner_client_id.as_str(), c.to_object_id.as_str())).collect();
        assert!(pairs.is_subset(&[("1", "7"), ("2", "8")].into()), "{plan}");
        assert_eq!(plan.add.len() as u64 + plan.unchanged, 2, "{plan}");
        let answers: Vec<_> = self.answers.iter().map(|(_, answer)| String::from_utf8_lossy(answer)).collect();
        for removed in &plan.remove {
            let id = removed.to_object_id.as_str();
            assert!(answers.iter().any(|answer| answer.contains(id) || answer.contains('\\')), "{plan}");
        }
        check_same(&plan);
        Ok(())
    }
}
