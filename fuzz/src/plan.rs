//! A persisted plan, whatever has become of its text: it is refused, or means what it says, to the last association.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use hubspot_partner_clients::{
    Association, Client, Error,
    reconcile::{Applied, Plan},
};

use super::{
    check::{check_error, hides, holds_secret},
    client,
    hubspot::{HubSpot, Key, Verdict},
    server::Server,
};

/// How a plan is applied, and its JSON, in which `$server` stands for the address of the server.
pub fn plan(data: &[u8]) {
    let [how, json @ ..] = data else { return };
    thread_local! {
        static KEPT: (Server, Client) = {
            let server = Server::start(false);
            let client = server.run(async { client(&server) });
            (server, client)
        };
    }
    KEPT.with(|(server, client)| {
        let text = String::from_utf8_lossy(json).replace("$server", &server.base_url);
        // A user's own values may show.
        if holds_secret(&text) {
            return;
        }
        let Ok(plan) = serde_json::from_str::<Plan>(&text) else { return };
        check_same(&plan);
        check_same(&plan.undo());
        hides(&format!("{plan} {plan:?}"));
        if let Err(error) = plan.check_removals() {
            check_error(&error);
            assert!(error.is_invalid_input());
        }
        Applying { server, client, plan: &plan, hubspot: Rc::default(), how: *how }.check();
    });
}

/// A plan is the same once it was written and read.
pub fn check_same(plan: &Plan) {
    let written = serde_json::to_string(plan).unwrap();
    let read: Plan = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(&read, plan);
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
}

fn keys(changes: &[Association]) -> BTreeSet<Key> {
    let key = |change: &Association| {
        [change.partner_client_id.as_str(), change.to_object_id.as_str(), change.association_type.as_str()]
            .map(str::to_owned)
    };
    changes.iter().map(key).collect()
}

struct Applying<'a> {
    server: &'a Server,
    client: &'a Client,
    plan: &'a Plan,
    hubspot: Rc<RefCell<HubSpot>>,
    how: u8,
}

impl Applying<'_> {
    fn check(&self) {
        let (add, remove, keep) = (keys(&self.plan.add), keys(&self.plan.remove), keys(&self.plan.keep));
        let before: BTreeSet<Key> = keep.union(&remove).cloned().collect();
        let done: BTreeSet<Key> = if self.how & 1 != 0 { add.iter().step_by(2).cloned().collect() } else { [].into() };
        {
            let mut hubspot = self.hubspot.borrow_mut();
            let names: BTreeSet<_> = add.iter().chain(&before).map(|[.., name]| name.clone()).collect();
            hubspot.types = names.into_iter().collect();
            hubspot.there = before.union(&done).cloned().collect();
            if self.how & 2 != 0 {
                let verdicts = [Verdict::Done, Verdict::Refused, Verdict::Unsaid].into_iter().cycle();
                let clients = self.plan.partner_clients.iter().map(|id| id.as_str().to_owned());
                hubspot.verdicts = clients.zip(verdicts).collect();
            }
        }
        let shared = Rc::clone(&self.hubspot);
        self.server.respond(move |request| shared.borrow_mut().respond(request));

        // Without permission, a plan that removes too many is refused before anybody is asked.
        let is_within = self.plan.check_removals().is_ok();
        if !is_within {
            let error = self.apply(self.plan, None).unwrap_err();
            assert!(error.is_invalid_input() && self.server.exchange.requests.borrow().is_empty(), "{error}");
        }
        let Ok(applied) = self.apply(self.plan, Some(u64::MAX)) else { return };
        let asked: BTreeSet<(bool, Key)> = self.hubspot.borrow().asked.keys().cloned().collect();
        let planned = |(adds, key): &(bool, Key)| if *adds { add.contains(key) } else { remove.contains(key) };
        assert!(asked.iter().all(planned), "{asked:?}");
        let failed = applied.failures().count() + applied.held_back.len();
        let counted =
            applied.added + applied.removed + (applied.already_done.len() + applied.unsettled.len() + failed) as u64;
        assert_eq!(counted, (add.len() + remove.len()) as u64, "{applied:?}");
        let is_unlabeled = |name: &str| name.ends_with("_unlabeled");
        let has_unlabeled =
            !self.plan.unlabeled_types.is_empty() || add.iter().chain(&before).any(|[.., name]| is_unlabeled(name));
        let after: BTreeSet<Key> = keep.union(&add).cloned().collect();
        if self.how & 2 != 0 {
            // What HubSpot did not carry out is told as failed.
            assert_eq!(applied.is_complete(), self.hubspot.borrow().there == after, "{applied:?}");
            return;
        }
        assert!(applied.is_complete(), "{applied:?}");
        assert_eq!(self.hubspot.borrow().there, after, "{applied:?}");
        let changes = self.hubspot.borrow().asked.values().all(|count| *count == 1);
        assert!(changes, "a change is sent once");
        if has_unlabeled {
            return;
        }

        self.hubspot.borrow_mut().asked.clear();
        let again = self.apply(self.plan, Some(u64::MAX)).unwrap();
        assert_eq!(again.already_done.len(), add.len() + remove.len(), "{again:?}");
        assert!(self.hubspot.borrow().asked.is_empty(), "a plan that is carried out changes nothing");
        let undo = applied.undo(self.plan);
        check_same(&undo);
        self.apply(&undo, Some(u64::MAX)).unwrap();
        assert_eq!(self.hubspot.borrow().there, before, "{undo}");
    }

    fn apply(&self, plan: &Plan, max_removals: Option<u64>) -> Result<Applied, Error> {
        self.server.exchange.requests.borrow_mut().clear();
        let mut apply = plan.apply(self.client);
        apply = match max_removals {
            Some(max) => apply.max_removals(max),
            None => apply,
        };
        if let Some(account) = &plan.account {
            apply = apply.account(account);
        }
        let outcome = self.server.run(apply.send());
        if let Err(error) = &outcome {
            check_error(error);
            assert!(error.is_invalid_input() && self.hubspot.borrow().asked.is_empty(), "{error}");
        }
        outcome
    }
}
