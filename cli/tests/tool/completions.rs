//! Completions, in the shells themselves.

#[cfg(unix)]
use std::{fs, path::PathBuf, process::Command};

#[cfg(unix)]
use crate::cli::path;
use crate::cli::{run, tool};
#[cfg(unix)]
use crate::folder::Folder;

#[test]
fn a_completion_script_is_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(tool(&["completions", shell]));
        assert_eq!(script.code, Some(0));
        assert!(script.out.contains("associate-many"), "{shell}");
    }
    assert_eq!(run(tool(&["completions", "cmd"])).code, Some(2));
}

/// What is typed, and what a shell makes of it.
#[cfg(unix)]
const TYPED: [(&str, &str); 6] = [
    ("hubspot-partner-clients associate-m", "associate-many"),
    ("hubspot-partner-clients associate-many --jou", "--journal"),
    ("hubspot-partner-clients --json associate-many --strat", "--strategy"),
    ("hubspot-partner-clients associate-many --strategy sin", "single"),
    ("hubspot-partner-clients dissociate-many rows.csv --fai", "--failed"),
    ("hubspot-partner-clients completions fi", "fish"),
];

#[cfg(all(unix, feature = "redis"))]
const TYPED_FOR_JOBS: [(&str, &str); 2] = [
    ("hubspot-partner-clients job wor", "worker"),
    ("hubspot-partner-clients job worker march --conc", "--concurrency"),
];
#[cfg(all(unix, not(feature = "redis")))]
const TYPED_FOR_JOBS: [(&str, &str); 0] = [];

#[cfg(unix)]
fn typed() -> impl Iterator<Item = (&'static str, &'static str)> {
    TYPED.into_iter().chain(TYPED_FOR_JOBS)
}

/// The script for a shell, or none where the shell is not there.
#[cfg(unix)]
fn script(folder: &Folder, shell: &str, name: &str) -> Option<PathBuf> {
    if Command::new(shell).arg("--version").output().is_err() {
        println!("skipped: there is no {shell}");
        return None;
    }
    let script = folder.at(name);
    fs::write(&script, run(tool(&["completions", shell])).out).unwrap();
    Some(script)
}

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    // Bash itself says which function completes the tool, and calls it with the command, the word and the one before.
    const ASK: &str = "source \"$1\"; shift; line=(\"$@\"); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))
        function=$(complete -p hubspot-partner-clients | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        $function \"$1\" \"${line[COMP_CWORD]}\" \"${line[COMP_CWORD-1]}\" 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let folder = Folder::new();
    let Some(script) = script(&folder, "bash", "completions.bash") else { return };
    let by_path = [("/usr/local/bin/hubspot-partner-clients associate-many --jou", "--journal")];
    for (line, completed) in typed().chain(by_path) {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", ASK, "bash"]).arg(&script).args(line.split(' '));
        let out = run(bash).out;
        assert!(out.lines().any(|offered| offered == completed), "{line}: {out:?}");
    }
}

#[cfg(unix)]
#[test]
fn fish_completes_what_is_typed() {
    let folder = Folder::new();
    let Some(script) = script(&folder, "fish", "completions.fish") else { return };
    for (line, completed) in typed() {
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", path(&script), line]);
        let out = run(fish).out;
        assert!(out.lines().any(|offered| offered.split('\t').next() == Some(completed)), "{line}: {out:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn zsh_completes_what_is_typed() {
    // A shell on a terminal of its own, in which the line and a tab are typed.
    const TYPE: &str = r#"
        zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z "unsetopt zle_bracketed_paste prompt_sp; PS1= PS2=; zle_highlight=(none); fpath=($1 \$fpath)
            autoload -Uz compinit; compinit -u -D; print ready-\$((1+1))"
        while zpty -r z chunk; do out+=$chunk; [[ $out == *ready-2* ]] && break; done
        zpty -w -n z "$2"$'\t'
        out=
        while zpty -r z chunk '?'; do out+=$chunk; [[ $out == *"$3"* ]] && exit; done"#;
    let folder = Folder::new();
    if script(&folder, "zsh", "_hubspot-partner-clients").is_none() {
        return;
    }
    for (line, completed) in typed() {
        // It waits for the word as long as it is not there.
        let mut zsh = Command::new("timeout");
        zsh.args(["30", "zsh", "-f", "-c", TYPE, "zsh", path(folder.path()), line, completed]).env("TERM", "dumb");
        let ran = run(zsh);
        assert_eq!(ran.code, Some(0), "{line}: {} {}", ran.out, ran.err);
    }
}
