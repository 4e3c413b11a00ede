//! `docs/trust.md`: each requirement of trust with the tests that show it, and what is not done.
//! Written from the list in `requirements.rs`; no test can be named there that does not exist, and
//! none can exist under a requirement's number that is not named.

mod requirements;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use requirements::{Requirement, Weight, requirements};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of the repository below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden && name != "target" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The name of the function that a line begins, if it begins one.
fn function(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("pub ");
    let rest = rest.trim_start_matches("async ").strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Every function by name, with the files that it is in.
fn functions() -> BTreeMap<String, BTreeSet<String>> {
    let (top, mut files) = (top(), Vec::new());
    sources(&top, &mut files);
    let mut functions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let place = path.strip_prefix(&top).unwrap().display().to_string();
        for name in text.lines().filter_map(function) {
            functions
                .entry(name.to_owned())
                .or_default()
                .insert(place.clone());
        }
    }
    functions
}

/// `r04_…` is a test of R4.
fn number(name: &str) -> Option<u8> {
    let digits = name.strip_prefix('r')?.get(..2)?;
    let rest = name.get(3..)?;
    (rest.starts_with('_')).then(|| digits.parse().ok())?
}

fn row(requirement: &Requirement, functions: &BTreeMap<String, BTreeSet<String>>) -> String {
    let shown = requirement.tests.iter().map(|name| {
        let file = functions[*name].iter().next().unwrap();
        format!("[`{name}`](../{file})")
    });
    let shown = shown.collect::<Vec<_>>().join("<br>");
    let shown = if shown.is_empty() {
        "–".to_owned()
    } else {
        shown
    };
    let Requirement {
        number,
        weight,
        what,
        figure,
        missing,
        ..
    } = requirement;
    let weight = match weight {
        Weight::Must => "M",
        Weight::Should => "S",
    };
    format!("| R{number} {weight} | {what} | {shown} | {figure} | {missing} |\n")
}

fn page() -> String {
    let functions = functions();
    let done = requirements().filter(|one| one.missing.is_empty());
    let shown = requirements().filter(|one| !one.tests.is_empty());
    let tests: BTreeSet<_> = requirements().flat_map(|one| one.tests).collect();
    let mut page = String::from(
        "# What is demanded of trust, and what shows it\n\n\
         Written from a list by the test `docs_trust_is_that_of_the_list`, not by hand. M: must be \
         true for 1.0, S: should. The figure is what the test itself counts and insists on. \
         **What the last column names is not done**, whatever else is. \
         Threats and assets: [threat-model.md](threat-model.md).\n\n",
    );
    writeln!(
        page,
        "{} requirements; {} have a test of their own ({} tests), {} have nothing missing.\n",
        requirements().count(),
        shown.count(),
        tests.len(),
        done.count(),
    )
    .unwrap();
    page += "| | demanded | shown by | figure | not done |\n| --- | --- | --- | --- | --- |\n";
    for requirement in requirements() {
        page += &row(requirement, &functions);
    }
    page
}

#[test]
fn every_test_that_the_list_names_exists() {
    let functions = functions();
    for requirement in requirements() {
        for name in requirement.tests {
            let number_of = number(name).unwrap_or_else(|| panic!("{name} has no number"));
            assert_eq!(
                number_of, requirement.number,
                "{name} stands in the wrong row"
            );
            assert!(functions.contains_key(*name), "there is no test {name}");
        }
        let bare = requirement.tests.is_empty() && requirement.missing.is_empty();
        assert!(
            !bare,
            "R{}: neither shown nor said to be missing",
            requirement.number
        );
    }
    let numbers = requirements().map(|one| one.number);
    assert!(numbers.is_sorted_by(|one, next| one < next), "out of order");
}

/// Names in a text that are too long to be anything but a test's.
fn tests_named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let names = quoted.map(|name| name.rsplit("::").next().unwrap_or(name));
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    names.filter(move |name| name.matches('_').count() > 2 && name.bytes().all(is_word))
}

#[test]
fn every_test_that_a_page_names_exists() {
    let (functions, mut files) = (functions(), Vec::new());
    sources(&top(), &mut files);
    let texts = files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap());
    let everything = texts.collect::<String>();
    for page in ["guarantees.md", "failures-elsewhere.md"] {
        let text = std::fs::read_to_string(top().join("docs").join(page)).unwrap();
        let named: BTreeSet<&str> = tests_named(&text).collect();
        assert!(named.len() > 10, "{page} names {} tests", named.len());
        for name in named {
            // Some are named by a text, since a lab runs them.
            let is_there =
                functions.contains_key(name) || everything.contains(&format!("\"{name}\""));
            assert!(is_there, "{page} names {name}, and there is no such test");
        }
    }
}

#[test]
fn every_test_with_a_number_is_in_the_list() {
    let listed: BTreeSet<&str> = requirements().flat_map(|one| one.tests).copied().collect();
    for (name, places) in functions() {
        let known = number(&name).is_none() || listed.contains(name.as_str());
        assert!(known, "{name} ({places:?}) is in no row");
    }
}

#[test]
fn docs_trust_is_that_of_the_list() {
    let (page, path) = (page(), top().join("docs/trust.md"));
    if std::env::var_os("KEYROLL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/trust.md is old: set KEYROLL_WRITE_DOCS=1 and run this again"
    );
}

/// The lines of product code: no tests, no comments.
fn product_lines(folder: &str) -> Vec<(String, String)> {
    let (top, mut files) = (top(), Vec::new());
    sources(&top.join(folder), &mut files);
    let mut lines = Vec::new();
    for path in files {
        let place = path.strip_prefix(&top).unwrap().display().to_string();
        if place.contains("/tests") || place.contains("/stand_in") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.extend(code.map(|line| (place.clone(), line.to_owned())));
    }
    lines
}

/// A text that is an LDAP filter or a name in the directory, with something put into it.
fn is_built(line: &str) -> bool {
    let Some(text) = line.split("format!(\"").nth(1) else {
        return false;
    };
    let text = text.split("\")").next().unwrap_or_default();
    let names_an_attribute = |text: &str| {
        let name = text.split(['=', ':']).next().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_{}".contains(c);
        text.contains('=') && !name.is_empty() && name.chars().all(fits)
    };
    let filter = text.strip_prefix('(');
    let filter = filter.map(|rest| rest.trim_start_matches(['&', '|', '!', '(']));
    let upper = text.to_ascii_uppercase();
    let names = ["CN={", "OU={", "DC={", "<GUID={", "<SID={"];
    filter.is_some_and(names_an_attribute) || names.iter().any(|start| upper.starts_with(start))
}

#[test]
fn r33_filters_and_names_are_built_in_one_place() {
    assert!(is_built(r#"    let filter = format!("(cn={name})");"#));
    assert!(is_built(r#"    let dn = format!("cn={name},{parent}");"#));
    assert!(!is_built(r#"    let text = format!("({} more)", 3);"#));
    let lines = product_lines("controller/src");
    let built = lines.iter().filter(|(_, line)| is_built(line));
    let (mut here, mut elsewhere) = (0, Vec::new());
    for (place, line) in built {
        if place == "controller/src/directory/text.rs" {
            here += 1;
        } else {
            elsewhere.push(format!("{place}: {}", line.trim()));
        }
    }
    assert!(here > 2, "the search finds nothing");
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn r42_unsafe_code_is_denied_but_in_one_small_crate() {
    let manifest = |path: &str| std::fs::read_to_string(top().join(path)).unwrap();
    assert!(manifest("Cargo.toml").contains("\nunsafe_code = \"deny\"\n"));
    for package in [
        ".",
        "proto",
        "agent",
        "controller",
        "tests",
        "tests/failpoint",
    ] {
        let text = manifest(&format!("{package}/Cargo.toml"));
        assert!(text.contains("[lints]\nworkspace = true"), "{package}");
    }
    // The calls of Windows that no crate makes safe: each with its reason.
    let windows = manifest("agent/windows/Cargo.toml");
    assert!(windows.contains("undocumented_unsafe_blocks = \"deny\""));
    for folder in ["src", "proto/src", "agent/src", "controller/src"] {
        for (place, line) in product_lines(folder) {
            let opened = line.contains("unsafe_code") || line.contains("unsafe {");
            assert!(!opened, "{place}: {line}");
        }
    }
}

/// What is between the bracket with which `text` begins and the one that closes it.
fn within_brackets(text: &str) -> &str {
    let mut depth = 0_usize;
    let end = text.find(|c| {
        depth = match c {
            '(' => depth + 1,
            ')' => depth.saturating_sub(1),
            _ => depth,
        };
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// Macros that make words: what a person, a log or an error is given.
const WORDS: [&str; 16] = [
    "format", "print", "println", "eprint", "eprintln", "write", "writeln", "panic", "bail",
    "anyhow", "ensure", "info", "warn", "error", "debug", "trace",
];

/// The arguments of each macro of the text that makes words.
fn words_made(text: &str) -> Vec<&str> {
    let calls = text.match_indices("!(").filter(|(at, _)| {
        let name = text[..*at].rsplit(|c: char| !c.is_alphanumeric() && c != '_');
        name.into_iter()
            .next()
            .is_some_and(|name| WORDS.contains(&name))
    });
    calls
        .map(|(at, _)| within_brackets(&text[at + 1..]))
        .collect()
}

/// The secrets that are opened where words are made: in the macro itself, or by a name in the same
/// function that was given to what a line has opened.
fn told_secrets(text: &str) -> Vec<String> {
    let mut told = Vec::new();
    for function in text.split("fn ") {
        let opened = function.lines().filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("let ")?.split_once('=')?;
            let name = name.trim().trim_start_matches("mut ").split(':').next()?;
            // Its length may be told.
            let is_opened = value.contains(".expose()") && !value.contains(".expose().len()");
            is_opened.then_some(name)
        });
        let opened: BTreeSet<&str> = opened.collect();
        for words in words_made(function) {
            let mut parts = words.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.contains(".expose()") || parts.any(|part| opened.contains(part)) {
                told.push(words.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    told
}

#[test]
fn r10_no_secret_is_opened_where_words_are_made() {
    // What a secret is, no macro can show (`r10_a_secret_cannot_be_shown_…`): it must be opened.
    assert_eq!(
        told_secrets("fn a() { warn!(x, \"{}\", key.expose()[0]) }").len(),
        1
    );
    assert_eq!(
        told_secrets("fn a() {\n let k = x.expose();\n format!(\"{k}\") }").len(),
        1
    );
    assert!(told_secrets("fn a() { f(k.expose()); format!(\"{k}\") }").is_empty());
    let mut made = 0;
    for folder in ["src", "proto/src", "agent/src", "controller/src"] {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (place, line) in product_lines(folder) {
            let text = files.entry(place).or_default();
            text.push_str(&line);
            text.push('\n');
        }
        for (place, text) in files {
            made += words_made(&text).len();
            // A header of HTTP, and the line that joins a node: secrets that go out as text.
            let goes_out = ["audit/sinks/webhook.rs", "proto/src/invitation.rs"];
            let told = told_secrets(&text);
            let expected = usize::from(goes_out.iter().any(|one| place.ends_with(one)));
            assert_eq!(told.len(), expected, "{place}: {told:#?}");
        }
    }
    assert!(made > 1_000, "{made} macros: the search finds nothing");
}
