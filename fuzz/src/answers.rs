//! Whatever a server answers: each call ends, and with what holds of every result and error.

use std::collections::BTreeMap;

use chrono::DateTime;
use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{
    Association, Client, Error, Page, Pages, PartnerClient, Result, Update, bulk::Outcome, filter,
};
use serde_json::Value;

use super::{
    PLAIN, STATUSES,
    check::{check_error, decoded, hides},
    http,
    server::Server,
};

/// More pages than a stream gives whose pages are all the same.
const MANY_PAGES: usize = 8;

/// An operation, a status, and the body of the answer.
pub fn answer(data: &[u8]) {
    let [operation, status, body @ ..] = data else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    PLAIN.with(|(server, client)| {
        server.answer(http(status, "", body), false);
        server.run(call(client, operation % 16, server, Some(status)));
    });
}

/// The answer as it comes over the connection.
pub fn wire(data: &[u8]) {
    PLAIN.with(|(server, client)| {
        server.answer(data.to_vec(), true);
        server.run(call(client, 8, server, None));
    });
}

/// The letters A to P are the operations 1 to 16.
pub async fn call(client: &Client, operation: u8, server: &Server, status: Option<u16>) {
    let updates = || (1..4).map(|id| Update::of(id).set("a", 1));
    let pairs = || (1..4).map(|id| Association::new(id, "companies", id, "owner"));
    let outcome = match operation {
        1 => reconcile(client).await,
        2 => each(client.batch_read([1, 2, 3]).send().await),
        3 => client.update(512).set("a", 1).await.map(|found| check_object(&found)),
        4 => all(client.dissociate_many(pairs()).outcomes().collect().await),
        5 => raw(client, status).await,
        6 => sorted(client, server).await,
        7 => changes(client).await,
        8 => client.get(512).await.map(|found| check_object(&found)),
        9 => {
            client.associate(512).with("companies", 9001).as_type(1).then_get().await.map(|found| check_object(&found))
        }
        10 => pages(client, server).await,
        11 => ends(client.search().filter(filter("a").eq(1)).pages()).await.map(drop),
        12 => client.association_types("companies").await.map(drop),
        13 => ends(client.associations("512", "companies").pages()).await.map(drop),
        14 => client.dissociate(512).with("companies", 9001).as_type(1).await,
        15 => each(client.batch_update(updates()).send().await),
        _ => all(client.associate_many(pairs()).outcomes().collect().await),
    };
    if let Err(error) = outcome {
        check_error(&error);
    }
}

/// What was decoded is the same after it was encoded and decoded.
pub fn check_object(object: &PartnerClient) {
    let encoded = serde_json::to_string(object).unwrap();
    assert_eq!(&serde_json::from_str::<PartnerClient>(&encoded).unwrap(), object);
    let properties: BTreeMap<String, Option<String>> = object.properties_as().unwrap();
    assert_eq!(properties.len(), object.properties.len());
    if let Err(error) = object.properties_as::<BTreeMap<String, f64>>() {
        check_error(&error);
    }
    drop(object.associated("companies"));
}

/// The outcomes of the partner clients 1, 2 and 3: none has another's.
fn each(outcomes: Vec<Result<PartnerClient>>) -> Result<()> {
    assert_eq!(outcomes.len(), 3, "an outcome for each input");
    for (outcome, id) in outcomes.iter().zip(["1", "2", "3"]) {
        match outcome {
            Ok(found) => {
                assert_eq!(found.id, id);
                check_object(found);
            }
            Err(error) => check_error(error),
        }
    }
    Ok(())
}

/// The outcomes of three inputs.
fn all(outcomes: Vec<Outcome>) -> Result<()> {
    assert_eq!(outcomes.iter().map(|outcome| outcome.index).collect::<Vec<_>>(), [0, 1, 2]);
    outcomes.into_iter().filter_map(|outcome| outcome.result.err()).for_each(|error| check_error(&error));
    Ok(())
}

/// A plan adds nothing but what is desired, and removes nothing of it.
async fn reconcile(client: &Client) -> Result<()> {
    let desired = [("1", ("companies", "7"), "owner"), ("2", ("companies", "8"), "owner")];
    let plan = client.reconcile([1, 2], "companies", desired).plan().await?;
    let is_desired = |change: &Association| {
        let (client, object) = (change.partner_client_id.as_str(), change.to_object_id.as_str());
        desired.contains(&(client, ("companies", object), change.association_type.as_str()))
    };
    assert!(plan.add.iter().all(is_desired) && !plan.remove.iter().any(is_desired), "{plan}");
    assert_eq!(plan.add.len() as u64 + plan.unchanged, 2, "{plan}");
    hides(&format!("{plan} {plan:?}"));
    Ok(())
}

/// The generated client by itself: its answers and errors are made anew for it.
async fn raw(client: &Client, status: Option<u16>) -> Result<()> {
    match client.raw().list().send().await {
        Ok(page) => hides(&format!("{page:?} {:?}", page.headers())),
        Err(error) => {
            let error = Error::from(error);
            check_error(&error);
            // Only of a success that cannot be decoded is the status lost.
            let success = status.is_some_and(|status| status < 300);
            assert!(error.status() == status || success && error.is_decode(), "{error:?}");
        }
    }
    let found = client.raw().get().partner_client_id("512").send().await?;
    check_object(&found.into_inner());
    Ok(())
}

/// Every page is the same, so the stream has to notice; unless its cursor is none that can be sent.
pub async fn ends<T>(pages: Pages<T>) -> Result<Vec<Page<T>>> {
    let pages: Vec<_> = pages.take(MANY_PAGES).collect().await;
    assert!(pages.len() < MANY_PAGES, "it goes on for ever");
    pages.into_iter().collect()
}

/// A cursor goes back as it came.
async fn pages(client: &Client, server: &Server) -> Result<()> {
    let Some(cursor) = cursor(client.list().pages(), server).await? else { return Ok(()) };
    let requests = server.exchange.requests.borrow();
    let target = requests[1].target();
    let sent = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("after=")).unwrap();
    assert_eq!(decoded(&sent.replace('+', "%20")), cursor);
    Ok(())
}

/// As [`pages`], in the body of a search.
async fn sorted(client: &Client, server: &Server) -> Result<()> {
    let search = client.search().sort_ascending("a").limit(10_000);
    let Some(cursor) = cursor(search.pages(), server).await? else { return Ok(()) };
    let body: Value = serde_json::from_slice(&server.exchange.requests.borrow()[1].body).unwrap();
    assert_eq!(body["after"], cursor);
    Ok(())
}

/// The first page's cursor, with which the second page was asked for.
async fn cursor<T>(mut pages: Pages<T>, server: &Server) -> Result<Option<String>> {
    let Some(page) = pages.try_next().await? else { return Ok(None) };
    let Some(cursor) = page.next.place().map(str::to_owned) else { return Ok(None) };
    // The second page is the first one again, and so is its cursor.
    if let Err(error) = pages.try_next().await {
        check_error(&error);
        if error.is_invalid_input() {
            assert!(cursor.len() > 2_000 || cursor.parse::<u32>().is_err(), "a cursor that cannot be sent: {error}");
            return Ok(None);
        }
    }
    assert_eq!(server.exchange.requests.borrow().len(), 2);
    Ok(Some(cursor))
}

/// A stream of changes goes on after each of its cursors.
async fn changes(client: &Client) -> Result<()> {
    let changed = client.changed_since(DateTime::UNIX_EPOCH).properties(["a"]);
    for page in ends(changed.clone().pages()).await? {
        page.items.iter().for_each(check_object);
        changed.clone().after(page.next).pages().try_next().await?;
    }
    Ok(())
}
