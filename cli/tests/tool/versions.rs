//! The version of HubSpot's API that the tool speaks.

use hubspot_simulator::{AssociationCategory, Fault};

use crate::cli::{run, run_at, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn the_version_of_the_api_is_an_option_or_a_variable() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let asked = |arguments: &[&str], variable: &str| {
        let mut command = tool_at(&hubspot, &[&["get", "1"], arguments].concat());
        command.env("HUBSPOT_API_VERSION", variable);
        let ran = run(command);
        (ran, hubspot.requests().pop().map(|request| request.path().to_owned()).unwrap_or_default())
    };
    assert_eq!(asked(&[], "").1, "/crm/v3/objects/partner_clients/1");
    assert_eq!(asked(&[], " 2026-03\n").1, "/crm/objects/2026-03/partner_clients/1");
    assert_eq!(asked(&["--api-version", "2026-09"], "2026-03").1, "/crm/objects/2026-09/partner_clients/1");
    assert_eq!(asked(&["--api-version", "V3"], "2026-03").1, "/crm/v3/objects/partner_clients/1");
    let (unknown, asked_for) = asked(&["--api-version", "2031-03"], "");
    assert_eq!(asked_for, "/crm/objects/2031-03/partner_clients/1");
    let (warning, _) = unknown.err.split_once('\n').unwrap();
    assert!(warning.starts_with("warning: API version 2031-03 is not known to this release"), "{}", unknown.err);
    hubspot.clear_requests();
    for (arguments, variable, named) in [
        (&["--api-version", "v4"][..], "", "v4"),
        (&["--api-version", "2026-13"], "", "2026-13"),
        (&["--api-version", ""], "", "--api-version"),
        (&[], "2025-09", "HUBSPOT_API_VERSION"),
        (&[], "\u{9b}31m", "HUBSPOT_API_VERSION"),
    ] {
        let (ran, path) = asked(arguments, variable);
        assert_eq!((ran.code, &*ran.out, &*path), (Some(2), "", ""), "{}", ran.err);
        assert!(ran.err.contains(named) && !ran.err.contains('\u{9b}'), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_go_with_the_unlabelled_type_only_where_an_option_says_so() {
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let file = file.to_str().unwrap();
    for command in [&["dissociate", "1", "companies", "1", "7"][..], &["dissociate-many", file]] {
        let hubspot = crm(1, 1)
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .association("1", "companies", "1", "36")
            .association("1", "companies", "1", "7")
            .start()
            .await
            .unwrap();
        let command = [command, &["--api-version", "2026-09", "--yes"]].concat();
        let refused = run_at(&hubspot, &command);
        assert!(refused.code.is_some_and(|code| code > 0), "{command:?}: {}", refused.err);
        assert!(format!("{}{}", refused.out, refused.err).contains("Payer"), "{}{}", refused.out, refused.err);
        assert_eq!(hubspot.association_count(), 2);
        let removed = run_at(&hubspot, &[&command[..], &["--including-labels"]].concat());
        assert_eq!(removed.code, Some(0), "{command:?}: {}", removed.err);
        assert_eq!(hubspot.association_count(), 0);
    }
}

/// The association is made by then, whatever becomes of reading anything.
#[tokio::test(flavor = "multi_thread")]
async fn an_association_that_is_made_is_told_as_made_on_every_version() {
    for version in ["v3", "2026-09"] {
        let hubspot = crm(1, 1).fault(Fault::status(404).on("get")).start().await.unwrap();
        let ran = run_at(&hubspot, &["associate", "1", "companies", "1", "7", "--api-version", version]);
        assert_eq!(
            (ran.code, &*ran.out),
            (Some(0), "Partner client 1 is associated with companies 1 as 7.\n"),
            "{}",
            ran.err
        );
    }
}

/// A label and a number with its category exist as well as a name does.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_exists_is_not_told_to_be_missing() {
    let label = (AssociationCategory::UserDefined, 36, "Referred by");
    let hubspot = crm(1, 1).association_label("companies", label.0, label.1, label.2).start().await.unwrap();
    for (version, association_type) in
        [("2026-09", "Referred by"), ("2026-09", "USER_DEFINED:36"), ("v3", "USER_DEFINED:36")]
    {
        let ran = run_at(&hubspot, &["associate", "1", "companies", "777", association_type, "--api-version", version]);
        assert_eq!(ran.code, Some(1), "{}", ran.out);
        assert!(!ran.err.contains("no association type"), "{version} {association_type}: {}", ran.err);
    }
}
