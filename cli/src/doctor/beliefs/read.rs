//! The comparisons that only read.

use std::collections::BTreeSet;

use hubspot_partner_clients::ApiVersion;
use serde_json::{Value, json};

use super::{
    ask::{Answer, Ask, Paths, id, ids},
    report::{Found, Report},
};
use crate::failure::Failure;

/// Larger than the ids that HubSpot gives, and smaller than what JavaScript holds.
pub(super) const MISSING: u64 = 8_999_999_999_999_999;
/// Properties of partner clients that real accounts have, and those that the simulator's own have.
const PROPERTIES: &str = "hs_client_name,hs_client_account_name,hs_client_domain_name,hs_country,hs_is_active,hs_is_managed,\
                          hs_is_sold,hs_relationship_type,hs_next_renewal_date,hs_account_link,name,domain";
const OTHER_TYPES: [&str; 4] = ["companies", "contacts", "deals", "tickets"];

/// What does not depend on the version of the objects' operations.
pub(super) async fn once(ask: &Ask<'_>, answering: &[ApiVersion], report: &mut Report) -> Result<(), Failure> {
    let Some(&version) = answering.first() else { return Ok(()) };
    if version == ApiVersion::V3 {
        // It names no grant, so that no token can be made.
        let answer = ask.post_form("/oauth/v1/token", "").await?;
        let believed = "the token endpoint of v1 is served as long as v3 is";
        let gone = matches!(answer.status, 404 | 410).then_some(Found::Status(answer.status));
        report.compare("oauth-v1", version, believed, answer.failed(), gone);
    }

    token_info(ask, version, report).await?;
    daily_usage(ask, version, report).await
}

async fn token_info(ask: &Ask<'_>, version: ApiVersion, report: &mut Report) -> Result<(), Failure> {
    const BELIEF: &str = "private-app-token-info";
    let path = "/oauth/v2/private-apps/get/access-token-info";
    let own = ask.post_without_header(path, &json!({"tokenKey": ask.token()})).await?;
    let is_other = (own.status == 404).then_some("the token is not of a private app");
    if let Some(why) = is_other.or(own.failed()) {
        report.not_compared(BELIEF, why);
        return Ok(());
    }
    let believed = "a private app's token is told of without a bearer token";
    report.compare(BELIEF, version, believed, own.failed(), Found::status(&own, 200));
    let other = ask.post(path, &json!({"tokenKey": "pat-na1-00000000-0000-0000-0000-000000000000"})).await?;
    let believed = "a token that is no private app's is a 404";
    report.compare(BELIEF, version, believed, other.says_nothing(), Found::status(&other, 404));
    Ok(())
}

async fn daily_usage(ask: &Ask<'_>, version: ApiVersion, report: &mut Report) -> Result<(), Failure> {
    let list = Paths(version).objects("partner_clients?limit=1");
    let before = ask.get(&list).await?;
    let usage = ask.get(&format!("/account-info/{version}/api-usage/daily/private-apps")).await?;
    let after = ask.get(&list).await?;
    if let Some(why) = [&before, &usage, &after].into_iter().find_map(Answer::says_nothing) {
        report.not_compared("daily-usage", why);
        return Ok(());
    }
    let told = usage.results().first().and_then(|usage| usage.get("currentUsage")).and_then(Value::as_u64);
    let (Some(before), Some(after), Some(told)) = (before.used_today, after.used_today, told) else {
        report.not_compared("daily-usage", "HubSpot tells of no daily limit for this token");
        return Ok(());
    };
    // Midnight may lie between the two.
    if before <= after {
        let found = Found::unless(told >= before, "fewer than the headers said before")
            .or(Found::unless(told <= after, "more than the headers said after it"));
        report.compare("daily-usage", version, "the use of a day is told as it stands", usage.says_nothing(), found);
    }
    Ok(())
}

/// What one version answers.
pub(super) async fn compare(ask: &Ask<'_>, paths: Paths, report: &mut Report) -> Result<(), Failure> {
    let version = paths.0;
    for rest in ["details", "api-usage/daily/private-apps"] {
        let answer = ask.get(&format!("/account-info/{version}/{rest}")).await?;
        let believed = "the account's details and use are told to any token";
        report.compare("account-info", version, believed, answer.failed(), Found::status(&answer, 200));
    }
    let listed =
        ask.get(&paths.objects(&format!("partner_clients?limit=100&associations={}", OTHER_TYPES.join(",")))).await?;
    // The token may not read objects of all these types.
    let listed = match listed.says_nothing() {
        Some(_) => ask.get(&paths.objects("partner_clients?limit=100")).await?,
        None => listed,
    };
    let clients = ids(listed.results());
    if let Some(why) = listed.says_nothing() {
        report.not_compared("order", why);
        return Ok(());
    }
    not_found(ask, paths, report).await?;
    window(ask, paths, &listed, report).await?;
    same_type(ask, paths, report).await?;
    let Some(&first) = clients.first() else { return Ok(()) };

    archived(ask, paths, report).await?;
    type_id(ask, paths, first, report).await?;
    default_properties(ask, paths, first, report).await?;
    computed_times(ask, paths, first, report).await?;
    id_property(ask, paths, first, report).await?;
    order(ask, paths, &listed, report).await?;
    if let Some((client, to_type)) = most_associated(listed.results()) {
        associations(ask, paths, client, to_type, report).await?;
    }
    Ok(())
}

async fn not_found(ask: &Ask<'_>, paths: Paths, report: &mut Report) -> Result<(), Failure> {
    let answer = ask.get(&paths.objects(&format!("partner_clients/{MISSING}"))).await?;
    let found = match (answer.status, &answer.body) {
        (404, Some(_)) => None,
        (404, None) => Some(Found::Words("a 404 that is no JSON")),
        (status, _) => Some(Found::Status(status)),
    };
    report.compare("not-found", paths.0, "a missing object is a 404 in JSON", answer.says_nothing(), found);
    Ok(())
}

async fn window(ask: &Ask<'_>, paths: Paths, listed: &Answer, report: &mut Report) -> Result<(), Failure> {
    let list = if paths.0.is_dated() { "labels" } else { "types" };
    let types = ask.get(&paths.associations(&format!("partner_clients/companies/{list}"))).await?;
    if let Some(why) = types.says_nothing() {
        report.not_compared("association-window", why);
        return Ok(());
    }
    if !listed.tells_window || types.status != 200 {
        report.not_compared("association-window", "HubSpot tells of no limit of ten seconds for this token");
        return Ok(());
    }
    let found = Found::unless(!types.tells_window, "headers tell of the general one, or of theirs");
    report.compare(
        "association-window",
        paths.0,
        "calls on associations have a window of which no header tells",
        types.says_nothing(),
        found,
    );
    Ok(())
}

async fn same_type(ask: &Ask<'_>, paths: Paths, report: &mut Report) -> Result<(), Failure> {
    if !paths.0.is_dated() {
        return Ok(());
    }
    let answer = ask.get(&paths.associations("contacts/contacts/labels")).await?;
    if let Some(why) = answer.says_nothing() {
        report.not_compared("same-type-ids", why);
        return Ok(());
    }
    let unlabeled = answer.results().iter().filter(|listed| listed.get("label").is_none_or(Value::is_null)).count();
    if unlabeled > 0 {
        let found = Found::unless(unlabeled == 1, "several unlabelled types");
        let believed = "the unlabelled type between contacts has one id in both directions";
        report.compare("same-type-ids", paths.0, believed, answer.says_nothing(), found);
    }
    Ok(())
}

async fn archived(ask: &Ask<'_>, paths: Paths, report: &mut Report) -> Result<(), Failure> {
    for value in ["1", "0", ""] {
        let answer = ask.get(&paths.objects(&format!("partner_clients?limit=1&archived={value}"))).await?;
        let is_live = answer.results().first().is_some_and(|first| first.get("archived") != Some(&json!(true)));
        let found = Found::status(&answer, 200).or(Found::unless(is_live, "it does not list those that are not"));
        let believed = "archived=1, archived=0 and an empty value count as false";
        report.compare("archived-flag", paths.0, believed, answer.says_nothing(), found);
    }
    Ok(())
}

async fn type_id(ask: &Ask<'_>, paths: Paths, first: u64, report: &mut Report) -> Result<(), Failure> {
    let answer = ask.get(&paths.objects(&format!("0-145/{first}"))).await?;
    report.compare(
        "partner-client-type-id",
        paths.0,
        "partner clients have the object type id 0-145",
        answer.says_nothing(),
        Found::status(&answer, 200),
    );
    Ok(())
}

async fn default_properties(ask: &Ask<'_>, paths: Paths, first: u64, report: &mut Report) -> Result<(), Failure> {
    let path = paths.objects(&format!("partner_clients/{first}"));
    let unasked = ask.get(&path).await?;
    let asked = ask.get(&format!("{path}?properties={PROPERTIES}")).await?;
    let names = |answer: &Answer| -> BTreeSet<String> {
        let properties = answer.member("properties").and_then(Value::as_object).into_iter().flatten();
        properties.filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()).collect()
    };
    let known: BTreeSet<_> =
        names(&asked).into_iter().filter(|name| PROPERTIES.split(',').any(|known| known == name)).collect();
    if let Some(why) = asked.says_nothing() {
        report.not_compared("default-properties", why);
    } else if !known.is_empty() {
        let believed = "a request for no property is answered with all of them";
        let found = Found::status(&unasked, 200).or(Found::unless(known.is_subset(&names(&unasked)), "a part of them"));
        report.compare("default-properties", paths.0, believed, unasked.says_nothing(), found);
    }
    Ok(())
}

async fn computed_times(ask: &Ask<'_>, paths: Paths, first: u64, report: &mut Report) -> Result<(), Failure> {
    const TIMES: [&str; 2] = ["createdate", "hs_lastmodifieddate"];
    let path = paths.objects(&format!("partner_clients/{first}?properties={}", TIMES.join(",")));
    let answer = ask.get(&path).await?;
    let has = |name: &str| answer.member("properties").and_then(|all| all.get(name)).is_some_and(Value::is_string);
    let found = Found::status(&answer, 200).or(Found::unless(TIMES.into_iter().all(has), "one of them is missing"));
    let believed = "partner clients have createdate and hs_lastmodifieddate";
    report.compare("computed-times", paths.0, believed, answer.says_nothing(), found);
    Ok(())
}

async fn id_property(ask: &Ask<'_>, paths: Paths, first: u64, report: &mut Report) -> Result<(), Failure> {
    let answer = ask.get(&paths.objects(&format!("partner_clients/{first}?idProperty=createdate"))).await?;
    let believed = "a property that several objects may share is refused as idProperty, in reads too";
    report.compare("id-property", paths.0, believed, answer.says_nothing(), Found::status(&answer, 400));

    let body = json!({"idProperty": "hs_object_id", "inputs": [{"id": first.to_string()}]});
    let answer = ask.post(&paths.objects("partner_clients/batch/read"), &body).await?;
    let found = Found::status(&answer, 200).or(Found::unless(ids(answer.results()) == [first], "another result"));
    report.compare(
        "id-property-batch",
        paths.0,
        "a batch read takes hs_object_id as idProperty",
        answer.says_nothing(),
        found,
    );
    Ok(())
}

async fn order(ask: &Ask<'_>, paths: Paths, listed: &Answer, report: &mut Report) -> Result<(), Failure> {
    let clients = ids(listed.results());
    if !are_several(&clients) {
        return Ok(());
    }
    report.compare("order", paths.0, "a list is in the order of ids", listed.says_nothing(), rising(&clients));
    let asked: Vec<_> = clients.iter().take(10).rev().copied().collect();
    let inputs: Vec<_> = asked.iter().map(|id| json!({"id": id.to_string()})).collect();
    let answer = ask.post(&paths.objects("partner_clients/batch/read"), &json!({"inputs": inputs})).await?;
    let found = Found::status(&answer, 200).or(Found::unless(ids(answer.results()) == asked, "another order"));
    report.compare(
        "order",
        paths.0,
        "the results of a batch are in the order of its inputs",
        answer.says_nothing(),
        found,
    );
    Ok(())
}

/// Whether there is more than one object, so that these have an order.
fn are_several(ids: &[u64]) -> bool {
    ids.windows(2).any(|pair| pair.first() != pair.last())
}

/// `None` for ids that rise; an id may stand there once for each association type.
fn rising(ids: &[u64]) -> Option<Found> {
    if ids.is_sorted() {
        return None;
    }
    Some(Found::Words(if ids.iter().rev().is_sorted() { "the opposite order" } else { "another order" }))
}

/// The partner client that shows most of associations.
fn most_associated(clients: &[Value]) -> Option<(u64, &'static str)> {
    let associated = clients.iter().flat_map(|client| OTHER_TYPES.map(|to_type| (client, to_type))).filter_map(
        |(client, to_type)| {
            let others = client.get("associations")?.get(to_type)?.get("results")?.as_array()?;
            let others: BTreeSet<_> = ids(others).into_iter().collect();
            Some((others.len(), id(client.get("id"))?, to_type))
        },
    );
    associated.max_by_key(|(count, ..)| *count).map(|(_, client, to_type)| (client, to_type))
}

async fn associations(
    ask: &Ask<'_>,
    paths: Paths,
    client: u64,
    to_type: &str,
    report: &mut Report,
) -> Result<(), Failure> {
    let path = paths.objects(&format!("partner_clients/{client}/associations/{to_type}"));
    let all = ask.get(&format!("{path}?limit=500")).await?;
    let others = ids(all.results());
    if are_several(&others) {
        let believed = "associations are in the order of the other object's id";
        report.compare("order", paths.0, believed, all.says_nothing(), rising(&others));
    }
    if let Some(why) = all.says_nothing() {
        for belief in ["ids", "batch-cursor"] {
            report.not_compared(belief, why);
        }
    }
    if !paths.0.is_dated() {
        return Ok(());
    }
    numbers(&all, all.results().first(), paths.0, report);

    let first = ask.get(&format!("{path}?limit=1")).await?;
    let after = first.member("paging").and_then(|paging| paging.get("next")).and_then(|next| next.get("after"));
    let (Some(after), None) = (after, all.member("paging")) else { return Ok(()) };
    let body = json!({"inputs": [{"id": client.to_string(), "after": after}]});
    let read = ask.post(&paths.associations(&format!("partner_clients/{to_type}/batch/read")), &body).await?;
    let shown: BTreeSet<_> = ids(first.results()).into_iter().collect();
    let rest: BTreeSet<_> = others.into_iter().filter(|id| !shown.contains(id)).collect();
    let listed = read.results().first().and_then(|result| result.get("to")).and_then(Value::as_array);
    let listed: BTreeSet<_> = ids(listed.map(Vec::as_slice).unwrap_or_default()).into_iter().collect();
    let found =
        Found::status(&read, 200).or(Found::unless(listed == rest, "other associations than those that follow"));
    report.compare(
        "batch-cursor",
        paths.0,
        "a batch read goes on behind the cursor of a list",
        read.says_nothing(),
        found,
    );
    Ok(())
}

/// The id of an associated object that an answer lists, in a dated version.
pub(super) fn numbers(answer: &Answer, listed: Option<&Value>, version: ApiVersion, report: &mut Report) {
    let Some(id) = listed.and_then(|listed| listed.get("toObjectId")) else { return };
    let found = Found::unless(id.is_number(), if id.is_string() { "text" } else { "neither numbers nor text" });
    report.compare("ids", version, "ids of associated objects are numbers", answer.says_nothing(), found);
}
