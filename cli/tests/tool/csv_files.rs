//! CSV files as people have them, and other files in their place.

use crate::cli::{path, run_at, sent};
use crate::folder::{Folder, HEADER, associate};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_that_failed_are_written_as_the_file_is() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    for (mark, delimiter) in [("", ","), ("\u{feff}", ";"), ("", "\t"), ("\u{feff}", "|")] {
        let of = |table: &str| table.replace('~', delimiter);
        let header = of("partner_client_id~to_object_type~to_object_id~association_type~note");
        let rows = of("\n1~companies~1~owner~x\n1~companies~9~owner~\"a~b\"\n");
        let (file, failed) = (folder.write("rows.csv", format!("{mark}{header}{rows}")), folder.at("failed.csv"));
        let again = folder.at("again.csv");
        // The second time from what the first one wrote.
        for (input, failed) in [(&file, &failed), (&failed, &again)] {
            let ran = run_at(&hubspot, &["associate-many", path(input), "--failed", path(failed)]);
            assert_eq!(ran.code, Some(1), "{}", ran.err);
            let written = std::fs::read_to_string(failed).unwrap();
            let begin = format!("{mark}{header}{delimiter}error{delimiter}correlation_id\n");
            let row = written.strip_prefix(&begin).unwrap_or_else(|| panic!("{written:?}"));
            assert!(row.starts_with(&of("1~companies~9~owner~\"a~b\"~")), "{row:?}");
        }
    }
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
    let cases: [(Vec<u8>, &[&str]); 19] = [
        (b"".into(), &["line 1: the file is empty"]),
        (
            b"partner_client_id,x\n1,2\n".into(),
            &["line 1: there is no column to_object_type, to_object_id or association_type; the header has: partner_client_id, x"],
        ),
        (
            good.into(),
            &["no column partner_client_id, to_object_type, ", "has: 1, companies, 1, owner. It looks like a row: the first line"],
        ),
        (format!("Partners of 2026,,,\n\n{HEADER}{good}").into(), &["line 1: there is no column", "Line 3 has all of them"]),
        (
            format!("Partners of 2026;;;\n{}", HEADER.replace(',', ";")).into(),
            &["line 1: there is no column", "Line 2 has all of them: remove the lines above it"],
        ),
        (b"Gr\xf6\xdfe,x\n1,2\n".into(), &["no column", "Windows-1252", "CSV UTF-8"]),
        (format!("association_type,{HEADER}").into(), &["line 1: there are two columns association_type: columns 1 and 5"]),
        (format!("Association Type,{HEADER}").into(), &["line 1: there are two columns association_type: columns 1 and 5"]),
        (format!("{HEADER}{good}{HEADER}{good}").into(), &["line 3: the header is repeated"]),
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
        (format!("{HEADER}\n{good}1,companies,1\n").into(), &["line 4: the row has 3 fields, but the header has 4 fields"]),
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
        (
            format!("{},note\n1,companies,1,owner,\"a\n1,companies,1,owner,b\n", HEADER.trim_end()).into(),
            &["has 1 problem", "line 2: a quotation mark is not closed"],
        ),
        (unclosed.into(), &["line 3: the row is longer than 1 MiB: a quotation mark may not be closed"]),
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
        (&problem["line"], &problem["column"], &problem["columnName"]),
        (&3.into(), &3.into(), &"to_object_id".into())
    );
    for no_file in ["/dev/null", "/nowhere/rows.csv"] {
        assert_eq!(run_at(&hubspot, &["associate-many", no_file]).code, Some(2));
    }
    assert_eq!(sent(&hubspot), 0);
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
    assert_eq!(sent(&hubspot), 0);
}

/// Each of these reads as fewer rows than it has lines, and `reconcile` would remove the associations of the others.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_quotation_mark_puts_into_a_cell_are_refused_and_not_lost() {
    let hubspot = crm(1, 9).start().await.unwrap();
    let folder = Folder::new();
    let row = |company: u64, note: &str| format!("1,companies,{company},owner,{note}\n");
    let header = HEADER.replace('\n', ",note\n");
    let cases = [
        // Inches, and ditto marks, in the last column.
        (
            header.clone() + &row(1, "\"5 inch") + &row(2, "x") + &row(3, "\"6 inch"),
            "line 2, column 5 (note)",
            "line 3 in it",
        ),
        (header.clone() + &row(1, "\"5 inch") + &row(2, "\"6 inch"), "line 2, column 5 (note)", "line 3"),
        (header.clone() + &row(1, "\"") + &row(2, "\""), "line 2, column 5 (note)", "line 3 in it"),
        (
            header.clone() + &row(9, "x") + &row(1, "\"") + &row(2, "\"") + &row(3, "x"),
            "line 3, column 5 (note)",
            "line 4 in it",
        ),
        // In the first, and in one between.
        (
            format!("note,{HEADER}\",1,companies,1,owner\n\",1,companies,2,owner\n"),
            "line 2, column 1 (note)",
            "line 2 in it",
        ),
        (
            format!("note,{HEADER}\"5 inch,1,companies,1,owner\n\"6 inch,1,companies,2,owner\n"),
            "line 2, column 1",
            "line 2 in it",
        ),
        (
            format!("{}1,\",companies,1,owner\n1,\",companies,2,owner\n", HEADER.replacen(',', ",note,", 1)),
            "line 2, column 2 (note)",
            "line 2 in it",
        ),
        // In the header.
        (
            HEADER.replace('\n', ",\"note\n") + &row(1, "x") + &row(2, "\"") + &row(3, "x"),
            "line 1, column 5",
            "line 2 in it",
        ),
    ];
    for (content, place, why) in cases {
        for (content, end) in
            [(content.clone(), "LF"), (content.replace('\n', "\r\n"), "CRLF"), (content.replace('\n', "\r"), "CR")]
        {
            let file = folder.write("rows.csv", &content);
            let many = run_at(&hubspot, &["associate-many", path(&file), "--dry-run"]);
            let reconcile = run_at(&hubspot, &["reconcile", path(&file), "--to-type", "companies"]);
            for refused in [many, reconcile] {
                assert_eq!((refused.code, &*refused.out), (Some(2), ""), "{end} {content}");
                assert!(refused.err.contains(place) && refused.err.contains(why), "{end} {content} {}", refused.err);
            }
        }
    }
    assert_eq!(sent(&hubspot), 0);
    // Cells of several lines are no rows.
    let notes =
        ["a\nb", "Hello, Ann,\n\nas agreed: 1, 2, 3, 4\n5 \"\"inches\"\", too\n", "1,companies\n2,x,y", "\n,,,,\n"];
    for note in notes {
        for content in [
            header.clone() + &row(1, &format!("\"{note}\"")) + &row(2, &format!("\"{note}\" ")),
            format!("note,{HEADER}\"{note}\",1,companies,1,owner\n \"x,1,companies,2,owner\n"),
            HEADER.replacen(',', ",note,", 1) + &format!("1,\"{note}\",companies,1,owner\n1,5\" x,companies,2,owner\n"),
        ] {
            let file = folder.write("rows.csv", &content);
            let ran = run_at(&hubspot, &["associate-many", path(&file), "--dry-run"]);
            assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{content}");
            assert!(ran.out.contains("2 rows are valid"), "{}", ran.out);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_a_spreadsheet_leaves_out_at_the_end_of_a_row_are_empty() {
    let hubspot = crm(1, 3).start().await.unwrap();
    let folder = Folder::new();
    let header = HEADER.replace('\n', ",note,source\n");
    let (file, failed) = (
        folder.write(
            "rows.csv",
            format!("{header}1,companies,1,owner,x,y\r\n1,companies,9,owner\r\n1,companies,2,owner,x\n"),
        ),
        folder.at("failed.csv"),
    );
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&failed)]);
    assert_eq!((ran.code, hubspot.association_count()), (Some(1), 2), "{}", ran.err);
    let written = std::fs::read_to_string(&failed).unwrap();
    let mut lines = written.lines();
    assert!(lines.next().unwrap().ends_with(",note,source,error,correlation_id"));
    assert!(lines.next().unwrap().starts_with("1,companies,9,owner,,,"), "{written}");
    let again = run_at(&hubspot, &["associate-many", path(&failed)]);
    assert_eq!(again.code, Some(1), "{}", again.err);
    // Not those of a file whose end is missing.
    for cut in ["1,companies,1,own", "1,companies,1,owner", "1,companies,1,owner,x", "1,companies,1,owner\r"] {
        let ran = associate(&hubspot, format!("{header}1,companies,1,owner,x,y\n{cut}"), &[]);
        assert!(ran.code == Some(2) && ran.err.contains("line 3: the row has "), "{cut}: {}", ran.err);
        assert!(ran.err.contains("no line end: the file may be cut off"), "{cut}: {}", ran.err);
    }
    let ran = associate(&hubspot, format!("{header}1,companies,1\n1,companies,1,owner\n"), &[]);
    assert!(ran.code == Some(2) && ran.err.contains("has 1 problem"), "{}", ran.err);
}
