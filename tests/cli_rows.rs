//! Whatever a CSV file holds, the command-line tool says what is wrong with it, or how many rows it has.
#![cfg(feature = "cli")]

#[path = "support/cli.rs"]
mod cli;

use std::fs;

use cli::{path, run, tool};
use proptest::{prelude::*, sample::select};

const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";

fn check(content: &[u8]) -> cli::Ran {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("rows.csv");
    fs::write(&file, content).unwrap();
    run(tool(&["associate-many", path(&file), "--dry-run"]))
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_rows_or_a_problem(
        pieces in prop::collection::vec(prop_oneof![
            select(vec![HEADER, "1,companies,1,owner\n", ",", "\"", "\n", "\r\n", "\r", ";", "..", "\0", "\x1b[2J", "\u{feff}"])
                .prop_map(|text| text.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ], 0..12),
        with_header in any::<bool>(),
    ) {
        let content = [if with_header { HEADER.as_bytes() } else { b"" }, &pieces.concat()].concat();
        let ran = check(&content);
        prop_assert!(matches!(ran.code, Some(0 | 2)), "{:?} {}", ran.code, ran.err);
        prop_assert!(ran.err.len() < 64 * 1024 && !ran.err.contains('\x1b'), "{}", ran.err);
        prop_assert_eq!(ran.err.is_empty(), ran.code == Some(0));
    }

    #[test]
    fn rows_of_good_values_are_good_however_they_are_written(
        rows in prop::collection::vec(("[1-9][0-9]{0,12}", "[a-z]{2}-[ -\\[\\]-~]{0,10}[a-z]", "[0-9]{1,19}", "p_[a-z_\", ü]{0,12}[a-z]"), 1..6),
        end in select(vec!["\n", "\r\n"]),
    ) {
        let lines = rows.iter().map(|(a, b, c, d)| format!("{}{end}", [a, b, c, d].map(|value| quoted(value)).join(",")));
        let ran = check((HEADER.to_owned() + &lines.collect::<String>()).as_bytes());
        prop_assert_eq!((ran.code, &*ran.err), (Some(0), ""));
        prop_assert!(ran.out.contains(&rows.len().to_string()), "{}", ran.out);
    }
}
