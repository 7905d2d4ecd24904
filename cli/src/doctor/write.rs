//! The check that writes: it makes and removes one association that did not exist before.

use std::{collections::BTreeSet, time::Duration};

use futures_util::TryStreamExt;
use hubspot_partner_clients::{ApiVersion, Client, Error, ObjectId};

use super::Finding;
use crate::arguments::Association;

/// HubSpot may take this long, [`PATIENCE`] times, until it shows what was written.
pub(super) const MOMENT: Duration = Duration::from_secs(1);
pub(super) const PATIENCE: u32 = 5;

pub(super) const UNREAD: &str = "not all associations of the partner client could be read";

/// Makes the association and removes it, and then compares what the two objects have with what they had.
pub(super) async fn check(client: &Client, version: ApiVersion, pair: &Association, association_type: &str) -> Finding {
    let check = match version {
        ApiVersion::V3 => "write on v3",
        ApiVersion::V2026_03 => "write on 2026-03",
        _ => "write on 2026-09",
    };
    let look = format!(
        "Look at partner client {} and {} {} in HubSpot, and remove what is too much.",
        pair.partner_client, pair.to_type, pair.to_id
    );
    match try_it(client, pair, association_type).await {
        Ok(Outcome::Clean) => Finding::ok(check, "an association was made and removed, and all is as it was before"),
        Ok(Outcome::Unread) => {
            let message = format!("not tried: {UNREAD}, so the objects may be associated already");
            Finding::warning(
                check,
                message,
                "Give two objects that are not associated, and whose associations can all be read.",
            )
        }
        Ok(Outcome::Existed(types)) => {
            let message = format!("not tried: the objects are associated already ({})", types.join(", "));
            Finding::warning(check, message, "Give two objects that are not associated.")
        }
        Ok(Outcome::Differs(types)) => {
            let message = format!("the association was made, and the objects still have {}", types.join(", "));
            Finding::error(check, message, look)
        }
        Ok(Outcome::Unknown) => {
            let message =
                format!("the association was made and removed, and then {UNREAD}: the objects may still have it");
            Finding::error(check, message, look)
        }
        Ok(Outcome::NotRemoved(error)) => {
            let Finding { message, remedy, code, .. } = Finding::failed(check, &error);
            let message = format!("the association may have been made and could not be removed: {message}");
            let remedy = remedy.map_or(look.clone(), |remedy| format!("{remedy} {look}"));
            Finding { code, ..Finding::error(check, message, remedy) }
        }
        Ok(Outcome::NotMade) => {
            let remedy = "Wait a minute and try again; HubSpot may take a moment until it shows what was written.";
            Finding::error(check, "HubSpot confirmed the association and does not list it", remedy)
        }
        Err(error) => Finding::failed(check, &error),
    }
}

enum Outcome {
    Clean,
    /// Not all that was there before could be read.
    Unread,
    Existed(Vec<String>),
    Differs(Vec<String>),
    /// Not all that is there now can be read.
    Unknown,
    NotRemoved(Error),
    NotMade,
}

async fn try_it(client: &Client, pair: &Association, association_type: &str) -> Result<Outcome, Error> {
    let Association { partner_client, to_type, to_id, .. } = pair;
    match types(client, pair).await? {
        None => return Ok(Outcome::Unread),
        Some(before) if !before.is_empty() => return Ok(Outcome::Existed(before.into_iter().collect())),
        Some(_) => {}
    }
    let associated = client.associate(partner_client).with(to_type, to_id).as_type(association_type).await;
    if let Err(error) = associated.as_ref().map(drop)
        && error.status().is_some_and(|status| (400..500).contains(&status))
    {
        return Err(error.clone());
    }
    // Whatever comes now, it is taken back: also what was made and not answered.
    let made = if associated.is_ok() { shown(client, pair).await } else { types(client, pair).await };
    // What is still there comes before any other error, for somebody has to remove it.
    match remove(client, pair, association_type).await {
        Err(error) => return Ok(Outcome::NotRemoved(error)),
        Ok(None) => return Ok(Outcome::Unknown),
        Ok(Some(left)) if !left.is_empty() => return Ok(Outcome::Differs(left.into_iter().collect())),
        Ok(Some(_)) => {}
    }
    associated?;
    Ok(if made?.is_some_and(|made| made.is_empty()) { Outcome::NotMade } else { Outcome::Clean })
}

/// Removes the association, which HubSpot may not show yet, and whatever came with it, such as the unlabelled type with a
/// label. The two objects had none before. Returns the types that are still there, as [`types`] does.
pub(super) async fn remove(
    client: &Client,
    pair: &Association,
    association_type: &str,
) -> Result<Option<BTreeSet<String>>, Error> {
    let Association { partner_client, to_type, to_id, .. } = pair;
    let mut left = BTreeSet::from([association_type.to_owned()]);
    for tried in 0..=PATIENCE {
        if tried > 1 {
            tokio::time::sleep(MOMENT).await;
        }
        for association_type in &left {
            client.dissociate(partner_client).with(to_type, to_id).as_type(association_type).including_labels().await?;
        }
        match types(client, pair).await? {
            Some(listed) => left = listed,
            None => return Ok(None),
        }
        if left.is_empty() {
            break;
        }
    }
    Ok(Some(left))
}

/// The same as [`types`], once HubSpot shows any.
pub(super) async fn shown(client: &Client, pair: &Association) -> Result<Option<BTreeSet<String>>, Error> {
    let mut listed = types(client, pair).await?;
    for _ in 0..PATIENCE {
        if listed.as_ref().is_none_or(|listed| !listed.is_empty()) {
            break;
        }
        tokio::time::sleep(MOMENT).await;
        listed = types(client, pair).await?;
    }
    Ok(listed)
}

/// The types of association that the two objects have. None where not all associations of the partner client could be read, any
/// of which may be one of them.
pub(super) async fn types(client: &Client, pair: &Association) -> Result<Option<BTreeSet<String>>, Error> {
    let mut listed = client.associations(&pair.partner_client, &pair.to_type).items();
    let mut types = BTreeSet::new();
    while let Some(object) = listed.try_next().await? {
        if ObjectId::new(object.id.as_str()).is_ok_and(|id| id.as_str() == pair.to_id) {
            types.insert(object.type_);
        }
    }
    Ok((listed.left_out() == 0).then_some(types))
}
