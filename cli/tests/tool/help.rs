//! The help of every command.

use crate::cli::{in_a_shell, run, tool};

/// The arguments of every command that there is, as the help lists them.
fn commands(above: &[String]) -> Vec<Vec<String>> {
    let help = help(above);
    let listed = help.split("\nCommands:\n").nth(1).and_then(|after| after.split("\n\n").next()).unwrap_or_default();
    let named = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let mut all = vec![above.to_vec()];
    for name in names {
        all.extend(commands(&[above, &[name.to_owned()]].concat()));
    }
    all
}

fn help(command: &[String]) -> String {
    let mut arguments: Vec<_> = command.iter().map(String::as_str).collect();
    arguments.push("--help");
    let ran = run(tool(&arguments));
    assert_eq!(ran.code, Some(0), "{command:?}: {}", ran.err);
    ran.out
}

#[test]
fn every_command_has_an_example_that_the_tool_takes() {
    let commands = commands(&[]);
    assert!(commands.iter().any(|command| *command == ["associate-many"]), "{commands:?}");
    for command in commands {
        let help = help(&command);
        let mut lines = help.lines().skip_while(|line| !line.starts_with("Example"));
        let examples: Vec<_> = lines.by_ref().skip(1).take_while(|line| line.starts_with("  ")).collect();
        assert!(!examples.is_empty(), "{command:?} has no example: {help}");
        for example in examples {
            let arguments = example.trim().strip_prefix("hubspot-partner-clients ").unwrap();
            assert!(arguments.starts_with(&command.join(" ")), "{command:?}: {arguments}");
            // With `--help` at the end, the arguments are read and nothing is done.
            let arguments = arguments.split(" > ").next().unwrap();
            let ran = in_a_shell(&tool(&[]), &format!("{arguments} --help"));
            assert_eq!(ran.code, Some(0), "{example}: {}", ran.err);
        }
    }
}

#[test]
fn every_option_with_a_value_says_its_default_or_that_it_is_required() {
    for command in commands(&[]) {
        let help = help(&command);
        let options = help.split_once("ptions").unwrap().1.split("\nExample").next().unwrap();
        let mut told: Vec<String> = Vec::new();
        for line in options.lines() {
            if line.trim_start().starts_with('-') && line.trim_start().chars().nth(1).is_some_and(|c| c != ' ') {
                told.push(String::new());
            }
            if let Some(told) = told.last_mut() {
                told.push_str(line.trim());
                told.push(' ');
            }
        }
        assert!(told.len() > 3, "{options}");
        for option in told.iter().filter(|option| option.split("  ").next().unwrap().contains('<')) {
            assert!(option.contains("[default: ") || option.contains("required"), "{command:?}: {option}");
        }
    }
}

#[test]
fn no_requests_at_once_are_refused() {
    for arguments in
        [&["associate-many", "rows.csv"][..], &["dissociate-many", "rows.csv"], &["job", "worker", "march"]]
    {
        if arguments[0] == "job" && !cfg!(feature = "redis") {
            continue;
        }
        for wrong in ["0", "1001", "-1", "many"] {
            let concurrency = format!("--concurrency={wrong}");
            let ran = run(tool(&[arguments, &[&concurrency]].concat()));
            assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{}", ran.err);
            assert!(ran.err.contains("--concurrency") && ran.err.contains(wrong), "{}", ran.err);
        }
    }
}
