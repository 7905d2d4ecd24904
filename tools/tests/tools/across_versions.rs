use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    codegen::operations::{Family, KNOWN},
    compared, report,
};

const V3: &str = "../tests/hubspot/v3";
const DATED: &str = "../tests/hubspot/2026-09";
const OWN_V3: &str = "../openapi/v3";
const OWN_DATED: &str = "../openapi/dated";

/// Each change as `breaking? what: place: detail`.
fn lines(old: &str, new: &str) -> Vec<String> {
    let changes = compared(Path::new(old), Path::new(new)).unwrap();
    changes
        .iter()
        .map(|change| {
            let breaking = if change.breaking { "breaking " } else { "" };
            format!("{breaking}{}: {}: {}", change.what, change.place, change.detail)
        })
        .collect()
}

#[test]
fn from_v3_to_a_dated_version_each_operation_is_moved_or_replaced() {
    for (old, new) in [(OWN_V3, OWN_DATED), (V3, DATED), (OWN_V3, DATED), (V3, OWN_DATED)] {
        let lines = lines(old, new);
        let of = |what: &str| -> Vec<String> {
            let names = lines.iter().filter_map(|line| line.strip_prefix(what)?.split(": ").next().map(str::to_owned));
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let known = |family| {
            let mut names: Vec<_> =
                KNOWN.iter().filter(|known| known.family == family).map(|known| known.name).collect();
            names.sort();
            names
        };
        assert_eq!(of("operation moved: "), known(Family::Every), "{old} {new}: {lines:#?}");
        assert_eq!(of("breaking operation replaced: "), known(Family::V3), "{old} {new}");
        assert_eq!(of("breaking operation removed: "), [""; 0], "{old} {new}");
        for (what, place, detail) in [
            ("operation replaced", "associate", "set_labels: PUT /crm/objects/{apiVersion}/{fromObjectType}"),
            ("request body changed", "associate request", "none → [AssociationSpec]"),
            ("answer changed", "associate answer", "SimplePublicObjectWithAssociations → LabelsBetweenObjectPair"),
            ("parameter removed", "list_associations(includeFA)", ""),
            ("field removed", "list_associations answer.results[].type", "string"),
            ("field removed", "batch_associate request.inputs[].type", "string"),
            ("field added", "batch_associate request.inputs[].types", "[AssociationSpec], required"),
            ("field removed", "association_types answer.results[].name", "string"),
        ] {
            let head = format!("breaking {what}: {place}: ");
            let line = lines.iter().find(|line| line.starts_with(&head));
            assert!(line.is_some_and(|line| line.contains(detail)), "{old} {new}: {head}{detail}: {lines:#?}");
        }
        assert!(lines.contains(&"status changed: associate: 200 → 201".to_owned()), "{lines:#?}");
        for added in ["associate_default", "dissociate_all", "batch_associate_default", "batch_dissociate_all"] {
            assert!(lines.iter().any(|line| line.starts_with(&format!("operation added: {added}: "))), "{added}");
        }
    }
}

#[test]
fn what_the_way_back_loses_is_told_as_well() {
    let lines = lines(OWN_DATED, OWN_V3);
    let head = "breaking operation replaced: set_labels: PUT /crm/objects/{apiVersion}/{fromObjectType}/{fromObjectId}/\
                associations/{toObjectType}/{toObjectId} → associate: PUT /crm/v3/objects/partner_clients/";
    assert!(lines.iter().any(|line| line.starts_with(head)), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("breaking operation removed")), "{lines:#?}");
}

/// HubSpot's documents of 2026-09 under another version, edited.
fn edited(name: &str, version: &str, edit: impl Fn(&mut Value)) -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    for file in ["partner_clients.json", "associations.json", "associations_schema.json"] {
        let text = fs::read_to_string(Path::new(DATED).join(file)).unwrap().replace("2026-09", version);
        let mut document: Value = serde_json::from_str(&text).unwrap();
        edit(&mut document);
        fs::write(directory.join(file), document.to_string()).unwrap();
    }
    directory.to_str().unwrap().to_owned()
}

#[test]
fn from_one_dated_version_to_the_next_only_what_differs_is_told() {
    let next = edited("next", "2027-03", |document| {
        if let Some(merge) = document["components"]["schemas"].get_mut("PublicMergeInput") {
            merge["properties"]["primaryObjectId"]["type"] = "integer".into();
        }
    });
    let lines = lines(DATED, &next);
    let (moved, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains("operation moved: "));
    assert_eq!(others, ["breaking type changed: PublicMergeInput.primaryObjectId: string → integer"]);
    let merge = "operation moved: post_partner_clients_merge: POST /crm/objects/2026-09/partner_clients/merge \
                 → /crm/objects/2027-03/partner_clients/merge";
    assert!(moved.iter().any(|line| line.ends_with(merge)), "{moved:#?}");
}

#[test]
fn an_operation_that_has_no_successor_is_removed() {
    let less = edited("less", "2026-09", |document| {
        for path in document["paths"].as_object_mut().unwrap().values_mut() {
            // The successor of `batch_read_associations`.
            path.as_object_mut().unwrap().retain(|_, operation| {
                let id = operation["operationId"].as_str().unwrap();
                !id.contains("toObjectType}/batch/read_")
            });
        }
    });
    let lines = lines(V3, &less);
    let removed = "breaking operation removed: batch_read_associations: POST /crm/v3/associations/{fromObjectType}/\
                   {toObjectType}/batch/read; it has no successor there";
    assert!(
        lines.iter().any(|line| line == removed),
        "{}",
        report::table(&compared(Path::new(V3), Path::new(&less)).unwrap())
    );
}

#[test]
fn what_a_client_neither_sends_nor_reads_is_no_difference_between_versions() {
    let text = json!({"schema": {"type": "string"}});
    let other = edited("other-media", "2026-09", |document| {
        let Some(paths) = document["paths"].as_object_mut() else { return };
        let batch = paths.iter_mut().find(|(path, _)| path.ends_with("toObjectType}/batch/create"));
        let Some((_, item)) = batch else { return };
        // Before JSON, as every success and every body has them.
        item["post"]["requestBody"]["content"]["a/csv"] = text.clone();
        item["post"]["responses"]["201"]["content"]["a/csv"] = text.clone();
        item["post"]["responses"]["299"] = json!({"description": "", "content": {"text/plain": text}});
    });
    let lines = |new: &str| -> Vec<_> {
        let lines = lines(V3, new).into_iter();
        lines.filter(|line| !line.starts_with("status changed: ")).collect()
    };
    assert_eq!(lines(&other), lines(DATED));
    let told = |new: &str| super::compared(Path::new(V3), Path::new(new)).unwrap();
    assert!(
        told(&other).iter().any(|change| change.detail.ends_with("201, 207, 299")),
        "the edit is in an operation that is compared"
    );
}
