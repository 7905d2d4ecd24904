//! The switches of the command line: how HubSpot answers where that is uncertain.

use std::time::Duration;

use hubspot_simulator::{InvalidAssociations, SimulatorBuilder, UnlabeledCompanions};

pub(crate) const HELP: &str = "
Switches, each for a belief that BELIEFS.md lists; the first value is the default:
  ids=numbers|text       Ids of associated objects in v4 and the dated versions
  invalid-associations=named|refused|partial
                         The answer to a batch of which some associations cannot be made
  duplicates=made|refused
                         A batch that names the same association or pair twice
  companions=labels|always|never
                         Whether a labelled association brings the unlabelled one along: one made in v4 and the dated
                         versions, each one, or none
  inverse-results=no|yes Whether v3 answers a batch of new associations with each in both directions
  search-pages=full|short
                         Whether a page of a search can be shorter than its limit although more follow
  search-after=text|number
                         The cursor of a search
  order=ids|reversed     The order of results in pages and batches
  not-found=json|html    The answer to a request for an object that does not exist
  window-edge=0ms        How much longer than its window a request counts in a rate limit
";

/// Throws a switch, such as `ids=text`.
pub(crate) fn throw(builder: SimulatorBuilder, text: &str) -> Result<SimulatorBuilder, String> {
    if let Some(longer) = text.strip_prefix("window-edge=") {
        let longer = milliseconds(longer).ok_or_else(|| format!("`{longer}` is no time such as 50ms"))?;
        return Ok(builder.window_edge(longer));
    }
    Ok(match text {
        "inverse-results=no" | "ids=numbers" | "duplicates=made" | "order=ids" | "not-found=json"
        | "search-pages=full" | "search-after=text" => builder,
        "search-pages=short" => builder.short_search_pages(),
        "search-after=number" => builder.numeric_search_cursors(),
        "ids=text" => builder.text_ids(),
        "duplicates=refused" => builder.refuse_duplicate_associations(),
        "inverse-results=yes" => builder.inverse_results(),
        "order=reversed" => builder.reversed_results(),
        "not-found=html" => builder.html_not_found(),
        "invalid-associations=named" => builder.invalid_associations(InvalidAssociations::RefuseNaming),
        "invalid-associations=refused" => builder.invalid_associations(InvalidAssociations::Refuse),
        "invalid-associations=partial" => builder.invalid_associations(InvalidAssociations::Partial),
        "companions=labels" => builder.unlabeled_companions(UnlabeledCompanions::WithLabels),
        "companions=always" => builder.unlabeled_companions(UnlabeledCompanions::Always),
        "companions=never" => builder.unlabeled_companions(UnlabeledCompanions::Never),
        _ => return Err(format!("there is no switch `{text}`; --help lists them")),
    })
}

/// `50ms`, an hour at most.
fn milliseconds(text: &str) -> Option<Duration> {
    let milliseconds = text.strip_suffix("ms")?.parse().ok()?;
    Some(Duration::from_millis(milliseconds)).filter(|time| *time <= Duration::from_secs(3_600))
}
