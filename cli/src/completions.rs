//! Scripts that complete the tool's arguments in a shell.

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::{arguments::Arguments, command_line::NAME};

/// Bash's script takes hyphens in the tool's name apart in one place and not in another (clap_complete 4.6), so that
/// nothing follows a command. It is made for this name, which has none, and given the real one in the end.
const BASH_NAME: &str = "hubspot_partner_clients";

pub(super) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    if shell != Shell::Bash {
        clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
        if shell == Shell::Fish {
            script.extend_from_slice(shells_for_fish().as_bytes());
        }
        return script;
    }
    clap_complete::generate(shell, &mut Arguments::command(), BASH_NAME, &mut script);
    let mut lines = String::new();
    for line in String::from_utf8_lossy(&script).lines() {
        lines.push_str(&match line.strip_suffix(BASH_NAME) {
            Some(complete) if complete.ends_with(' ') => format!("{complete}{NAME}"),
            _ => line.to_owned(),
        });
        lines.push('\n');
    }
    lines.into_bytes()
}

/// Fish's script has the values of options only (clap_complete 4.6), and the shell is an argument without a name.
fn shells_for_fish() -> String {
    let shells: Vec<_> = Shell::value_variants().iter().map(ToString::to_string).collect();
    let function = format!("__fish_{}_using_subcommand", NAME.replace('-', "_"));
    format!("complete -c {NAME} -n \"{function} completions\" -f -a \"{}\"\n", shells.join(" "))
}
