//! `doctor --beliefs`: what HubSpot answers, compared with what the simulator believes of it.
//!
//! `simulator/BELIEFS.md` lists the beliefs by the names that the report has, and says which of them are compared.

mod ask;
mod made;
mod read;
mod report;

use hubspot_partner_clients::{ApiVersion, AssociationDefinition, Client};

use self::{
    ask::{Ask, Paths},
    report::Report,
};
use super::{VERSIONS, ends_it};
use crate::{
    arguments::Association,
    exit::Code,
    failure::Failure,
    output::Output,
    target::{Session, Target},
};

/// Prints the report, and nothing else: a user can send it to somebody.
pub(crate) async fn run(target: &Target, pair: Option<&Association>, output: &mut Output) -> Result<Code, Failure> {
    let session = target.client().await?;
    if pair.is_some() || target.account.is_some() {
        target.named(&session.client).await?;
    }
    let ask = Ask::new(&session, &target.log);
    let answering = answering(&session, &ask).await?;
    let mut report = Report::new(answering.clone(), pair.is_some());
    read::once(&ask, &answering, &mut report).await?;
    for &version in &answering {
        read::compare(&ask, Paths(version), &mut report).await?;
    }
    let made = match pair {
        Some(pair) => made(&session, &ask, &answering, pair, &mut report).await,
        None => Ok(()),
    };
    if made.is_err() {
        report.nothing_made("an error ended the comparisons");
    }
    // What was compared stands, whatever became of the association.
    report.print(output)?;
    made.map(|()| Code::Success)
}

/// The comparisons that make an association. They end at the first that fails.
async fn made(
    session: &Session,
    ask: &Ask<'_>,
    answering: &[ApiVersion],
    pair: &Association,
    report: &mut Report,
) -> Result<(), Failure> {
    for &version in answering {
        let (association_type, labels) = named(session, answering, version, pair).await;
        let made = made::Made { client: session.at(version)?, pair, association_type, labels };
        made.compare(ask, Paths(version), report).await?;
    }
    Ok(())
}

/// The versions that answer.
///
/// # Errors
/// Where none does, that of the version that the user has chosen.
async fn answering(session: &Session, ask: &Ask<'_>) -> Result<Vec<ApiVersion>, Failure> {
    let mut answering = Vec::new();
    for version in VERSIONS {
        if ask.get(&Paths(version).objects("partner_clients?limit=1")).await?.status == 200 {
            answering.push(version);
        }
    }
    if answering.is_empty() {
        match session.client.account().await {
            Err(error) if ends_it(&error) => return Err(error.into()),
            _ => session.client.list().page_size(1).send().await?,
        };
    }
    Ok(answering)
}

/// What names the association type in this version, and the types of the pair with their labels, where HubSpot tells. Dated versions
/// do not know the names of v3, nor v3 all labels, and each knows the numbers of both.
pub(super) async fn named(
    session: &Session,
    answering: &[ApiVersion],
    version: ApiVersion,
    pair: &Association,
) -> (String, Vec<AssociationDefinition>) {
    let list = async |version: ApiVersion| match session.at(version) {
        Ok(client) => types(&client, &pair.to_type).await,
        Err(_) => Vec::new(),
    };
    let dated = match answering.iter().find(|version| version.is_dated()) {
        Some(&dated) => list(if version.is_dated() { version } else { dated }).await,
        None => Vec::new(),
    };
    let given = &pair.association_type;
    let is_given = |text: Option<&String>| text.is_some_and(|text| text.eq_ignore_ascii_case(given));
    let by_label = dated.iter().find(|known| is_given(known.label.as_ref())).map(|known| known.id.to_string());
    let named = list(ApiVersion::V3).await.into_iter().find(|known| is_given(known.name.as_ref()));
    let id = named.map(|known| known.id.to_string()).or(by_label);
    (id.unwrap_or_else(|| given.clone()), dated)
}

async fn types(client: &Client, to_type: &str) -> Vec<AssociationDefinition> {
    client.association_types(to_type).await.unwrap_or_default()
}
