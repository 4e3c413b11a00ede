//! The man pages and completions of the daemons, in `docs` as their programs define them. Those of
//! `keyroll`, which can write its own, are seen to beside it. And `docs/trust.md`.

mod release;
mod supply;
mod trust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn daemons() -> [(&'static str, Command); 2] {
    [
        ("keyroll-agent", keyroll_agent::command_line::definition()),
        (
            "keyroll-controller",
            keyroll_controller::command_line::definition(),
        ),
    ]
}

/// The files of a folder whose names begin like this.
fn read_folder(folder: &Path, begins: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .filter(|(name, _)| name.trim_start_matches('_').starts_with(begins))
        .collect()
}

/// Compares the files with those in `docs`. `KEYROLL_WRITE_DOCS=1` writes them there instead.
#[track_caller]
fn compare(folder: &str, program: &str, made: &BTreeMap<String, String>) {
    let folder = docs().join(folder);
    let kept = read_folder(&folder, program);
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        for name in kept.keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in made {
            std::fs::write(folder.join(name), text).unwrap();
        }
        return;
    }
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        made.keys().collect::<Vec<_>>()
    );
    for (name, text) in made {
        assert!(
            kept[name] == *text,
            "{name} is old: set KEYROLL_WRITE_DOCS=1 and run this again"
        );
    }
}

#[test]
fn the_man_pages_in_docs_are_those_of_the_daemons() {
    for (program, command) in daemons() {
        let folder = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(command, folder.path()).unwrap();
        let made = read_folder(folder.path(), program);
        assert!(made.len() > 4, "{:?}", made.keys());
        compare("man", program, &made);
    }
}

#[test]
fn the_completions_in_docs_are_those_of_the_daemons() {
    for (program, mut command) in daemons() {
        let folder = tempfile::tempdir().unwrap();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            clap_complete::generate_to(shell, &mut command, program, folder.path()).unwrap();
        }
        let made = read_folder(folder.path(), program);
        assert_eq!(made.len(), 3);
        compare("completions", program, &made);
    }
}

#[test]
fn every_page_of_a_daemon_has_examples() {
    for (program, mut command) in daemons() {
        command.build();
        let verbs = command.get_subcommands();
        for verb in verbs
            .filter(|verb| verb.get_name() != "help")
            .chain([&command])
        {
            let help = verb.get_after_help().map(ToString::to_string);
            let shown = help.is_some_and(|help| help.contains(&format!("  {program}")));
            assert!(shown || verb.get_name() == program, "{}", verb.get_name());
        }
    }
}
