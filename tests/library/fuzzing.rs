//! The fuzz targets on the inputs that are kept, and on what becomes of them by chance. What breaks one joins its corpus.

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code)]
mod fuzz;
#[path = "../support/mutations.rs"]
mod mutations;

use std::path::Path;

use crate::support::sized;

fn run(name: &str) {
    // One may need a feature.
    let Some((_, target)) = fuzz::TARGETS.iter().find(|(target, _)| *target == name) else { return };
    // Each of them makes a client and many calls.
    let cases = if name == "headers" { 64 } else { sized(1_024, 256) as u32 };
    mutations::run(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name), cases, *target);
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_is_run() {
            let targets: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            let run = [$(stringify!($name)),*].into_iter().filter(|name| cfg!(feature = "redis") || *name != "redis");
            assert_eq!(targets, run.collect::<Vec<_>>());
        }
    };
}

targets!(answer dated headers ids journal oauth plan redis requests types wire);
