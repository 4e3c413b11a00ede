//! Help, man pages, completions and `docs/cli.md`: all there, and all of today.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyroll::doctor::{AREAS, CLIENT_CHECKS, Check};

use crate::fake::bare;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn print(words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = bare(folder.path()).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn man_pages() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let output = bare(folder.path()).args(["man", "."]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    read_folder(folder.path())
}

fn read_folder(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn completions() -> BTreeMap<String, String> {
    [
        ("bash", "keyroll.bash"),
        ("zsh", "_keyroll"),
        ("fish", "keyroll.fish"),
    ]
    .map(|(shell, file)| (file.to_owned(), print(&["completions", shell])))
    .into()
}

/// Whether a page is one of a daemon's; `tests/pages` sees to those.
fn is_a_daemons(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    name.starts_with("keyroll-agent") || name.starts_with("keyroll-controller")
}

/// `KEYROLL_WRITE_DOCS=1` writes the files instead of comparing them.
#[track_caller]
fn compare(folder: &str, made: BTreeMap<String, String>) {
    let folder = docs().join(folder);
    let mut kept = read_folder(&folder);
    kept.retain(|name, _| !is_a_daemons(name));
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        for name in kept.keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &made {
            std::fs::write(folder.join(name), text).unwrap();
        }
        kept.clone_from(&made);
    }
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        made.keys().collect::<Vec<_>>()
    );
    for (name, text) in &made {
        assert!(
            kept[name] == *text,
            "{name} is old: set KEYROLL_WRITE_DOCS=1 and run this again"
        );
    }
}

#[test]
fn the_man_pages_in_docs_are_those_of_the_binary() {
    compare("man", man_pages());
}

#[test]
fn the_completions_in_docs_are_those_of_the_binary() {
    compare("completions", completions());
}

/// Every verb as its words, from the names of the man pages: `keyroll-roll-status.1`.
fn verbs() -> Vec<Vec<String>> {
    let pages = man_pages();
    pages
        .keys()
        .map(|name| {
            let words = name.trim_end_matches(".1").split('-').skip(1);
            words.map(str::to_owned).collect()
        })
        .collect()
}

#[test]
fn every_verb_has_help_with_examples_and_a_man_page_with_exit_codes() {
    let verbs = verbs();
    assert!(verbs.len() > 35, "{verbs:?}");
    for verb in &verbs {
        let mut words: Vec<&str> = verb.iter().map(String::as_str).collect();
        words.push("--help");
        let help = print(&words);
        assert!(help.contains("\nExamples:\n  "), "{verb:?} has no examples");
    }
    for (name, page) in man_pages() {
        assert!(page.contains(".SH EXAMPLES"), "{name}");
        assert!(page.contains(".SH \"EXIT STATUS\""), "{name}");
    }
}

#[test]
fn the_manual_names_every_verb_and_every_exit_code() {
    let manual = std::fs::read_to_string(docs().join("cli.md")).unwrap();
    for verb in verbs() {
        let line = format!("keyroll {}", verb.join(" "));
        assert!(
            manual.contains(line.trim_end()),
            "docs/cli.md does not show {line:?}"
        );
    }
    let page = &man_pages()["keyroll.1"];
    let exits = page.split(".SH \"EXIT STATUS\"").nth(1).unwrap();
    let exits = exits.split(".TP\n\\fB").skip(1);
    for exit in exits {
        let (number, meaning) = exit.split_once("\\fR\n").unwrap();
        let meaning = meaning.trim_end().replace("\\-", "-");
        let row = format!("| {number} | {meaning} |");
        assert!(
            manual.replace('`', "").contains(&row),
            "docs/cli.md has no row {row:?}"
        );
    }
}

/// What follows in `docs/doctor.md` is written by the tests that break those things for real.
const FAULTS: &str = "## Faults, planted for real\n";

fn checks_of<F>(area: &str, checks: &[Check<F>]) -> String {
    let mut text = format!(
        "\n## {area}\n\n| check | looks at | if it is not well | what mends it |\n\
         | --- | --- | --- | --- |\n"
    );
    for check in checks {
        let (id, looks_at, means, mends) = (check.id, check.looks_at, check.means, check.mends);
        text += &format!("| `{id}` | {looks_at} | {means} | {mends} |\n");
    }
    text
}

#[test]
fn the_page_of_the_doctor_has_every_check() {
    let mut page = "\
# What `keyroll doctor` looks at

Made from the checks themselves (`src/doctor/`). The names never change. Each finding has a grade:
`ok`; `unknown`, it could not be looked at, and why; `warning`, logins go on, but the next roll is
refused or logins will fail later; `broken`, logins fail or will with the next ticket. The exit code
is that of the worst: 0, 3, 3, 1. Nothing is changed, and no bad password is counted: tickets are
asked for with the controller's own credential.
"
    .to_owned();
    for (area, checks) in AREAS {
        page += &checks_of(area, checks);
    }
    let client = "The client's machine, with `--from-client`";
    page += &checks_of(client, CLIENT_CHECKS);
    page += "\n";
    let path = docs().join("doctor.md");
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let (checks, faults) = there.split_once(FAULTS).unwrap_or((&there, ""));
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, page + FAULTS + faults).unwrap();
    } else {
        assert!(
            checks == page,
            "docs/doctor.md is old: set KEYROLL_WRITE_DOCS=1 and run this again"
        );
    }
}
