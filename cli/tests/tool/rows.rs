//! Whatever a CSV file holds, the command-line tool says what is wrong with it, or how many rows it has.

use std::fs;

use proptest::{prelude::*, sample::select};

use crate::cli::{path, run, tool};

const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";

fn check(content: &[u8]) -> crate::cli::Ran {
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

    #[test]
    fn a_table_is_read_however_its_program_writes_it(
        columns in Just(["partner client id", "to object type", "to object id", "association type", "note"]).prop_shuffle(),
        separator in select(vec!["", " ", "_", "-", ".", "\u{a0}", " \u{200b}"]),
        case in select(vec![str::to_lowercase as fn(&str) -> String, str::to_uppercase]),
        mark in select(vec!["", "\u{feff}"]),
        delimiter in select(vec![",", ";", "\t", "|"]),
        end in select(vec!["\n", "\r\n", "\r"]),
        quote in select(vec!["", "\""]),
        rows in 1..5_usize,
        after in select(vec!["", "\n", ",,,,\n", "\r\n\r\n"]),
    ) {
        // In cells, programs that end lines with one of them write the other.
        let note = if quote.is_empty() { "x".to_owned() } else { ["x\ny", "x\r\ny", "x\ry"][rows % 3].to_owned() };
        let value = |column: &str| match column {
            "to object type" => "companies",
            "association type" => "owner",
            "note" => &note,
            _ => "17",
        };
        let spelled = |column: &str| case(column).replace(' ', separator);
        let line = |cell: &dyn Fn(&str) -> String| {
            let cells = columns.map(|column| format!("{quote}{}{quote}", cell(column)));
            cells.join(delimiter) + end
        };
        let body = line(&|column| value(column).to_owned()).repeat(rows);
        let after = if end == "\r" { String::new() } else { after.replace(',', delimiter) };
        let ran = check(format!("{mark}{}{body}{after}", line(&spelled)).as_bytes());
        prop_assert_eq!((ran.code, &*ran.err), (Some(0), ""));
        prop_assert!(ran.out.contains(&format!("{rows} row")), "{}", ran.out);
    }
}
