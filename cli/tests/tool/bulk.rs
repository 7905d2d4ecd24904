//! What the command-line tool makes of a CSV file.

use std::{fs, path::PathBuf};

use hubspot_simulator::{Fault, Simulator};
use tempfile::TempDir;

use crate::cli::{Ran, path, run, run_at, tool, tool_at};
use crate::support::crm;

const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.at("rows.csv");
        fs::write(&file, content).unwrap();
        file
    }
}

/// Runs `associate-many` with a file of this content.
fn associate(hubspot: &Simulator, content: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    let files = Files::new();
    let file = files.write(content);
    run_at(hubspot, &[&["associate-many", path(&file)], options].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_file_are_associated_and_dissociated() {
    let hubspot = crm(3, 3).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}1,companies,1,owner\n2,companies,2,OWNER\n3,companies,3,7\n"));

    let made = run_at(&hubspot, &["associate-many", path(&file)]);
    assert_eq!((made.code, &*made.err), (Some(0), ""));
    let table: Vec<Vec<_>> = made.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table[0][..3], ["rows", "made", "failed"]);
    assert_eq!(table[1][..5], ["3", "3", "0", "0", "1"], "with one request");
    assert_eq!(hubspot.association_count(), 3);

    let removed = run_at(&hubspot, &["dissociate-many", path(&file), "--json", "--strategy", "single"]).json();
    assert_eq!(removed.len(), 4);
    assert_eq!((&removed[2]["line"], &removed[2]["result"]), (&4.into(), &"removed".into()));
    assert_eq!((&removed[3]["summary"]["removed"], &removed[3]["summary"]["requests"]), (&3.into(), &3.into()));
    assert_eq!(hubspot.association_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_csv_is_read() {
    let bodies: [&[u8]; 16] = [
        b"\xef\xbb\xbfpartner_client_id,to_object_type,to_object_id,association_type\n1,companies,1,owner\n",
        b"partner_client_id,to_object_type,to_object_id,association_type\r\n1,companies,1,owner\r\n",
        b"\n\r\npartner_client_id,to_object_type,to_object_id,association_type\r\n\r\n,,,\r\n 1 ,companies,\"1\",\"owner\"",
        b"note,association_type,to_object_id,to_object_type,partner_client_id\n\"a, \"\"b\"\"\nc\",owner,1,companies,1\n",
        b"Partner_Client_ID , to_object_type,to_object_id,association_type,\"x\"\n1,companies,1,owner,5\" pipe\n",
        b"\xef\xbb\xbf\"partner_client_id\",to_object_type,to_object_id,association_type\r\n1,companies,1,owner",
        // As Excel writes it where the comma is the decimal point, and with what it writes before for itself.
        b"\xef\xbb\xbfpartner_client_id;to_object_type;to_object_id;association_type\r\n1;companies;1;owner\r\n;;;\r\n;;;\r\n",
        b"sep=;\r\npartner_client_id;to_object_type;to_object_id;association_type\r\n1;companies;1;owner\r\n",
        b"sep=,\npartner_client_id,to_object_type,to_object_id,association_type\n1,companies,1,owner\n",
        b"partner_client_id\tto_object_type\tto_object_id\tassociation_type\tnote\n1\tcompanies\t1\towner\ta, b; c\n",
        // Of old programs for the Mac.
        b"partner_client_id,to_object_type,to_object_id,association_type\r1,companies,1,owner\r",
        // With spaces that do not break, and columns that were used once.
        b"partner_client_id,to_object_type,to_object_id,association_type\n\xc2\xa01\xc2\xa0,companies\xe3\x80\x80, 1 ,\towner,,\n",
        b"Partner Client ID,To Object Type,To Object ID,Association Type\n1,companies,1,owner\n",
        b"partnerClientId,toObjectType,toObjectId,associationType,to object\n1,companies,1,owner,x\n",
        b"PARTNER-CLIENT-ID,to-object-type,\"\"\"to object id\"\"\",association.type\n1,companies,1,owner\n",
        b"\xef\xbb\xbf\xef\xbb\xbfpartner_client_id\xe2\x80\x8b,\xc2\xa0to_object_type,to_object_id,association_type\n1,companies,1,owner\n",
    ];
    for body in bodies {
        let hubspot = crm(1, 1).start().await.unwrap();
        let ran = associate(&hubspot, body, &["--json"]);
        assert_eq!((ran.code, ran.json().len()), (Some(0), 2), "{} {}", ran.err, String::from_utf8_lossy(body));
        assert_eq!(hubspot.association_count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_told_of_by_line_and_column_and_nothing_is_sent() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let good = "1,companies,1,owner\n";
    let unclosed = format!("{HEADER}{good}1,companies,1,\"owner\n{}", good.repeat(100_000));
    let cases: [(Vec<u8>, &[&str]); 18] = [
        (b"".into(), &["line 1: the file is empty"]),
        (
            b"partner_client_id,x\n1,2\n".into(),
            &["line 1: there is no column to_object_type, to_object_id or association_type; the header has: partner_client_id, x"],
        ),
        (
            good.into(),
            &["no column partner_client_id, to_object_type, ", "has: 1, companies, 1, owner. It looks like a row: the first line"],
        ),
        (format!("Partners of 2026,,,\n\n{HEADER}{good}").into(), &["line 1: there is no column", "Line 3 has them all"]),
        (
            format!("Partners of 2026;;;\n{}", HEADER.replace(',', ";")).into(),
            &["line 1: there is no column", "Line 2 has them all: take out what stands above it"],
        ),
        (b"Gr\xf6\xdfe,x\n1,2\n".into(), &["no column", "Windows-1252", "CSV UTF-8"]),
        (format!("association_type,{HEADER}").into(), &["line 1: there are two columns association_type: the 1. and the 5."]),
        (format!("Association Type,{HEADER}").into(), &["line 1: there are two columns association_type: the 1. and the 5."]),
        (format!("{HEADER}{good}{HEADER}{good}").into(), &["line 3: the header is there once more"]),
        (
            format!(
                "{HEADER}1.23457E+11,companies,512.0,owner\n'512,companies,#N/A,owner\n\u{ff15}12,companies,1\u{200b}2,owner\n\
                 \"1,234\",companies,-5,owner\n"
            )
            .into(),
            &[
                "line 2, column 1 (partner_client_id): ",
                "a number in scientific notation, as spreadsheets write it",
                "line 2, column 3 (to_object_id): ",
                "line 3, column 1",
                "line 3, column 3",
                "line 4, column 1",
                "U+200B",
                "line 5, column 1",
                "line 5, column 3",
            ],
        ),
        (format!("{HEADER}\n{good}1,companies,1\n").into(), &["line 4: the row has 3 fields, and the header 4"]),
        (format!("{HEADER}1,companies,1,owner,5\r\n").into(), &["line 2: the row has 5 fields"]),
        (
            [HEADER.as_bytes(), b"\r\n\r\n1,companies,1,\xe4\r\n"].concat(),
            &["line 4, column 4 (association_type): ", "UTF-8"],
        ),
        (format!("{HEADER}1,9001,1,owner\n").into(), &["line 2, column 2 (to_object_type): "]),
        (
            format!("{HEADER}{good},companies,..,owner").into(),
            &["line 3, column 1 (partner_client_id): ", "line 3, column 3 (to_object_id): "],
        ),
        (
            format!("note,{HEADER}\"a\nb\",1,companies,1,\"ow\nner\"\n").into(),
            &["line 2, column 5 (association_type): "],
        ),
        (format!("{HEADER}{}", "1,companies,,owner\n".repeat(1_000)).into(), &["line 21, column 3", "and 980 more"]),
        (unclosed.into(), &["line 3: the row is longer than 1 MiB: is a quotation mark not closed?"]),
    ];
    for (content, told) in cases {
        for dry_run in [&[][..], &["--dry-run"]] {
            let ran = associate(&hubspot, &content, dry_run);
            assert_eq!((ran.code, &*ran.out), (Some(2), ""));
            for told in told {
                assert!(ran.err.contains(told), "{told:?} in {}", ran.err);
            }
        }
    }
    let ran = associate(&hubspot, format!("{HEADER}{good}1,companies,,owner\n"), &["--json"]);
    let problem = &ran.error()["problems"][0];
    assert_eq!(
        (&problem["line"], &problem["column"], &problem["column_name"]),
        (&3.into(), &3.into(), &"to_object_id".into())
    );
    for no_file in ["-", "/dev/null", "/nowhere/rows.csv"] {
        assert_eq!(run_at(&hubspot, &["associate-many", no_file]).code, Some(2));
    }
    assert_eq!(hubspot.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_kind_is_named_for_what_it_is() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let csv = format!("{HEADER}1,companies,1,owner\n");
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| csv.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
    let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gzip, csv.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let zip = |name: &str| {
        [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[0; 16], &[name.len() as u8, 0, 0, 0], name.as_bytes()].concat()
    };
    let cases: [(Vec<u8>, &str, &str); 18] = [
        ([b"\xff\xfe", &*little].concat(), "text in UTF-16", "CSV UTF-8"),
        ([b"\xfe\xff", &*big].concat(), "text in UTF-16 (big endian)", "CSV UTF-8"),
        (little, "text in UTF-16 without a mark", "CSV UTF-8"),
        (big, "text in UTF-16 (big endian) without a mark", "CSV UTF-8"),
        ([zip("[Content_Types].xml"), zip("xl/workbook.xml")].concat(), "an Excel workbook (.xlsx)", "CSV UTF-8"),
        (zip("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument spreadsheet", "CSV UTF-8"),
        (zip("Index/Document.iwa"), "a Numbers spreadsheet", "CSV UTF-8"),
        (zip("rows.csv"), "a ZIP archive", "Unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".into(), "(.xls)", "CSV UTF-8"),
        (gzip, "compressed with gzip", "Unpack it"),
        (b"%PDF-1.7\n%\xe2\xe3".into(), "a PDF document", "CSV"),
        (b"\n <!DOCTYPE html><html><body>Sign in".into(), "a web page (HTML)", "CSV"),
        (b"<table><tr><td>partner_client_id".into(), "a web page (HTML)", "CSV"),
        (b"\xef\xbb\xbf<?xml version=\"1.0\"?>".into(), "XML", "CSV"),
        (br#"[{"partner_client_id": 1}]"#.into(), "JSON", "CSV"),
        (br#"{"partner_client_id": 1}"#.into(), "JSON", "CSV"),
        (b"SQLite format 3\0\x10\0".into(), "an SQLite database", "CSV"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\x03\0>".into(), "binary, not text", "CSV"),
    ];
    for (content, what, remedy) in cases {
        let ran = associate(&hubspot, &content, &[]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{what}");
        assert!(ran.err.contains(&format!("rows.csv is {what}")) || ran.err.contains(what), "{what}: {}", ran.err);
        assert!(
            ran.err.contains(remedy) && ran.err.contains("nothing was sent") || ran.err.contains("Nothing was sent")
        );
        assert_eq!(ran.err.lines().count(), 2, "once: {}", ran.err);
    }
    assert_eq!(hubspot.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_commands_neither_a_terminal_nor_a_spreadsheet() {
    const TEXT: &str = "=HYPERLINK(\"http://evil\") \u{1b}[2J \u{9b}31m \u{202e}gpj\u{2066}\u{200b}\u{7f} \u{e0041}";
    let answer = serde_json::json!({"status": "error", "category": "VALIDATION_ERROR", "message": TEXT,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf"});
    let server = crate::support::RawServer::json(400, &answer.to_string()).await;
    let files = Files::new();
    let note = "@SUM(1+1)*cmd|' /C calc'!A0";
    let file =
        files.write(format!("note,{}\n{note},1,companies,1,+owner\n-3,1,companies,2,owner\n", HEADER.trim_end()));
    let failed = files.at("failed.csv");
    let run = |file: &std::path::Path, more: &[&str]| {
        let mut command = tool(&[&["associate-many", path(file), "--strategy", "single"], more].concat());
        command.env("HUBSPOT_ACCESS_TOKEN", "pat-na1-test").env("HUBSPOT_BASE_URL", &server.base_url);
        run(command)
    };
    let is_neutral = |text: &str| {
        !text.contains(|c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}\u{e0041}".contains(c))
    };

    let ran = run(&file, &["--failed", path(&failed)]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("\\u{1b}[2J \\u{9b}31m \\u{202e}gpj"), "{}", ran.out);
    let json = run(&file, &["--json"]);
    assert_eq!(json.json()[0]["error"]["message"], TEXT, "as it was, once it is read");
    let single = ["associate", "1", "companies", "1", "owner"];
    for more in [&[][..], &["--json"]] {
        let mut command = tool(&[&single, more].concat());
        command.env("HUBSPOT_ACCESS_TOKEN", "pat-na1-test").env("HUBSPOT_BASE_URL", &server.base_url);
        let ran = crate::cli::run(command);
        assert!(ran.code == Some(1) && is_neutral(&ran.err), "{}", ran.err);
    }

    let written = fs::read_to_string(&failed).unwrap();
    for text in [&ran.out, &json.out, &written] {
        assert!(is_neutral(text), "{text:?}");
    }
    let read = |file: &std::path::Path| {
        let mut reader = csv::Reader::from_path(file).unwrap();
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let rows = read(&failed);
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{rows:?}");
    assert_eq!(rows[0][..5], [&format!("'{note}"), "1", "companies", "1", "'+owner"]);
    // Given as input again, it has the same rows, however often.
    let again = files.at("again.csv");
    let ran = run(&failed, &["--failed", path(&again), "--json"]);
    assert_eq!(ran.json()[0]["association_type"], "+owner");
    assert_eq!(read(&again), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_fail_alike_are_told_together() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}{}", "1,companies,1,owner\n".repeat(500)));
    let mut command = tool_at(&hubspot, &["associate-many", path(&file), "--strategy", "single"]);
    command.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let ran = run(command);
    assert_eq!(ran.out.matches("401").count(), 1, "{}", ran.out);
    assert!(ran.out.starts_with("500 rows, lines 2, 3, 4, 5, 6 and 495 more: "), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_nothing_and_needs_no_token() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}1,companies,1,owner\n1,companies,2,owner\n"));
    let failed = files.at("failed.csv");
    let ran = run(tool(&["associate-many", path(&file), "--dry-run", "--failed", path(&failed)]));
    assert_eq!((ran.code, &*ran.out), (Some(0), "All 2 rows can be sent. Nothing was.\n"));
    let ran = run_at(&hubspot, &["dissociate-many", path(&file), "--dry-run", "--json"]);
    assert_eq!(ran.json(), [serde_json::json!({"rows": 2, "sent": false})]);
    assert_eq!(hubspot.requests().len(), 0);
    assert!(!failed.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_that_failed_succeed_as_input_once_the_cause_is_gone() {
    let hubspot = crm(2, 1).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("note,{HEADER}\"a, b\",1,companies,1,owner\n\"c\"\"\r\nd\",2,companies,9,owner\n"));
    let (failed, again) = (files.at("failed.csv"), files.at("again.csv"));
    fs::write(&failed, "what was there before, which is longer than a header").unwrap();

    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&failed)]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("line 3: "), "{}", ran.out);
    let text = fs::read_to_string(&failed).unwrap();
    let header = format!("note,{},error,correlation_id\n", HEADER.trim_end());
    let row = text.strip_prefix(&header).unwrap();
    assert!(row.starts_with("\"c\"\"\r\nd\",2,companies,9,owner,"), "{row}");
    assert!(row.contains("COMPANY=9 is not valid") || row.contains("400"), "{row}");

    let still = run_at(&hubspot, &["associate-many", path(&failed), "--failed", path(&again)]);
    assert_eq!(still.code, Some(1));
    assert!(fs::read_to_string(&again).unwrap().starts_with(&header), "the columns come once");

    let repaired = crm(2, 9).start().await.unwrap();
    let ran = run_at(&repaired, &["associate-many", path(&again), "--failed", path(&failed)]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(repaired.associations("2")[0].to_object_id, "9");
    assert_eq!(fs::read_to_string(&failed).unwrap(), header, "nothing failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_is_not_overwritten_by_the_rows_that_failed() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Files::new();
    let content = format!("{HEADER}1,companies,9,owner\n");
    let file = files.write(&content);
    let same = files.0.path().join(".").join("rows.csv");
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&same)]);
    assert_eq!(ran.code, Some(2));
    let nowhere = files.at("no/failed.csv");
    assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&nowhere)]).code, Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    assert_eq!(hubspot.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_refused_for_another_file_and_another_operation() {
    let hubspot = crm(2, 1).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}1,companies,1,owner\n"));
    let (journal, failed) = (files.at("run.journal"), files.at("failed.csv"));
    let arguments = ["associate-many", path(&file), "--journal", path(&journal), "--failed", path(&failed), "--json"];
    assert_eq!(run_at(&hubspot, &arguments).code, Some(0));
    let again = run_at(&hubspot, &arguments).json();
    assert_eq!(
        (&again[0]["from_journal"], &again[1]["summary"]["requests"]),
        (&true.into(), &0.into()),
        "all is settled"
    );
    assert_eq!(again[1]["summary"]["from_journal"], 1);
    let again = run_at(&hubspot, &arguments[..6]).out;
    assert!(again.contains("1 from the journal, settled by an earlier run: 1 made, 0 failed."), "{again}");
    let table: Vec<Vec<_>> = again.lines().rev().take(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table[0][..4], ["1", "1", "0", "0"], "this run made nothing: {again}");

    fs::write(&failed, "kept").unwrap();
    let before = hubspot.requests().len();
    let mut other = arguments;
    other[0] = "dissociate-many";
    let refused = run_at(&hubspot, &other);
    assert_eq!((refused.code, &refused.error()["kind"]), (Some(2), &"journal".into()));

    files.write(format!("{HEADER}2,companies,1,owner\n"));
    let refused = run_at(&hubspot, &arguments);
    assert_eq!((refused.code, &refused.error()["kind"]), (Some(2), &"journal".into()));
    assert!(refused.error()["message"].as_str().unwrap().contains("is of another input"), "{}", refused.err);
    assert_eq!(hubspot.requests().len(), before);
    assert_eq!(fs::read_to_string(&failed).unwrap(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_a_token_that_is_not_taken_and_every_row_has_an_outcome() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}{}", "1,companies,1,owner\n".repeat(500)));
    let failed = files.at("failed.csv");
    let many = ["associate-many", path(&file), "--failed", path(&failed), "--json", "--strategy", "single"];
    let mut command = tool_at(&hubspot, &many);
    command.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let ran = run(command);
    assert_eq!((ran.code, &ran.error()["kind"]), (Some(3), &"unauthorized".into()));
    assert_eq!(ran.json().len(), 501);
    assert!(hubspot.requests().len() < 20, "{}", hubspot.requests().len());
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_of_the_most_telling_failure() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let rows = format!("{HEADER}1,companies,9,owner\n1,companies,1,owner\n");
    assert_eq!(associate(&hubspot, &rows, &[]).code, Some(1));
    hubspot.inject(Fault::html(404).on("associate").times(1));
    hubspot.inject(Fault::daily_limit().on("associate").times(1));
    assert_eq!(associate(&hubspot, &rows, &["--strategy", "single", "--concurrency", "1"]).code, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_type_that_is_unknown_is_told_of_at_the_end() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let ran = associate(&hubspot, format!("{HEADER}1,companies,1,ower\n1,companies,1,owner\n"), &[]);
    assert!(ran.out.contains("\"ower\" to companies. Did you mean owner?"), "{}", ran.out);
}

#[test]
fn the_simulator_holds_what_the_file_names() {
    let files = Files::new();
    let rows = "512,companies,9001,1001\n9,contacts,8,mine\n9,deals,7,77\n9,tickets,6,partner_client_to_ticket\n";
    let file = files.write(format!("{HEADER}{rows}"));
    let ran = run(tool(&["associate-many", path(&file), "--simulator"]));
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_refused_for_another_server_and_not_taken_for_the_simulator() {
    let (one, other) = (crm(1, 1).start().await.unwrap(), crm(1, 1).start().await.unwrap());
    let files = Files::new();
    let file = files.write(format!("{HEADER}1,companies,1,owner\n"));
    let journal = files.at("run.journal");
    let arguments = ["associate-many", path(&file), "--journal", path(&journal)];
    let simulated = run(tool(&[&arguments[..], &["--simulator"]].concat()));
    assert!(simulated.code == Some(2) && simulated.err.contains("--simulator"), "{}", simulated.err);
    assert!(!journal.exists());

    assert_eq!(run_at(&one, &arguments).code, Some(0));
    let refused = run_at(&other, &arguments);
    assert_eq!((refused.code, other.requests().len()), (Some(2), 0), "{}", refused.err);
    assert!([one.base_url(), other.base_url()].iter().all(|server| refused.err.contains(server)), "{}", refused.err);
    assert_eq!(run_at(&one, &arguments).code, Some(0));
    assert_eq!(one.requests().len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_says_how_to_go_on() {
    use std::{process::Stdio, thread, time::Duration};

    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(50))).start().await.unwrap();
    let files = Files::new();
    let file = files.write(format!("{HEADER}{}", "1,companies,1,owner\n".repeat(2_000)));
    let journal = files.at("run.journal");
    let many = ["associate-many", path(&file), "--strategy", "single", "--journal", path(&journal)];
    let mut command = tool_at(&hubspot, &many);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while hubspot.requests().len() < 8 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ran = crate::cli::ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130));
    assert!(ran.err.contains("of 2000 rows are settled") && ran.err.contains("same command again"), "{}", ran.err);
    assert!(ran.err.contains("run.journal"), "{}", ran.err);
}
