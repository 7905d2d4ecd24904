//! A fuzz target on the inputs that are kept for it, and on what becomes of them by chance.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

/// A change to an input.
#[derive(Debug, Clone)]
enum Change {
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// The rest of another input.
    Splice(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let words = prop::sample::select(vec![
        "null",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "-1",
        "1e999",
        "18446744073709551616",
        "\\u0000",
        "\\ud800",
        "\r\n",
        "\n",
        "\0",
        "%",
        "..",
        "/",
        "\\",
        "pat-eu1-5ecre7-0123456789",
        "chunked",
        "gzip",
        "ü",
    ]);
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Change::Put(place, byte)),
        (any::<Index>(), words).prop_map(|(place, word)| Change::Insert(place, word.into())),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(place, new)| Change::Insert(place, new)),
        (any::<Index>(), 1..32_usize).prop_map(|(place, bytes)| Change::Remove(place, bytes)),
        any::<(Index, Index, Index)>().prop_map(|(place, other, from)| Change::Splice(place, other, from)),
    ]
}

fn apply(input: &mut Vec<u8>, change: &Change, corpus: &[Vec<u8>]) {
    let place = |index: &Index| index.index(input.len() + 1);
    match change {
        Change::Put(at, byte) => {
            let at = place(at);
            input.resize(input.len().max(at + 1), 0);
            input[at] = *byte;
        }
        Change::Insert(at, new) => drop(input.splice(place(at)..place(at), new.iter().copied())),
        Change::Remove(at, bytes) => drop(input.drain(place(at)..input.len().min(place(at) + bytes))),
        Change::Splice(at, other, from) => {
            let other = other.get(corpus);
            input.truncate(place(at));
            input.extend_from_slice(&other[from.index(other.len() + 1)..]);
        }
    }
}

/// Runs a target on the files of a folder, and on so many others that are made of them.
pub fn run(folder: impl AsRef<Path>, cases: u32, target: fn(&[u8])) {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!corpus.is_empty());
    for (input, file) in corpus.iter().zip(&files) {
        println!("{}", file.display());
        target(input);
    }
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = (any::<Index>(), prop::collection::vec(change(), 1..6));
    let outcome = TestRunner::new(config).run(&strategy, |(seed, changes)| {
        let mut input = seed.get(&corpus).clone();
        changes.iter().for_each(|change| apply(&mut input, change, &corpus));
        target(&input);
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}
