//! The PowerShell module, without a PowerShell: it is well formed, and every command line, option
//! and field that it names is one of the real `keyroll`.
//!
//! How: each line of the module that starts `keyroll` is run as it stands against the fake
//! controller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tonic::Code;

use crate::fake::{World, refusal};
use crate::samples;

fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("powershell/keyroll")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(module().join(name)).unwrap()
}

/// The texts of the module's files, by their names.
fn files() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(module()).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name.clone(), read(&name))
        })
        .collect()
}

/// A function of the module: its name and its text, help and all.
struct Function(String, String);

fn functions() -> Vec<Function> {
    let text: String = files().into_values().collect();
    let whole = text
        .split("\nfunction ")
        .skip(1)
        .map(|from| from.split("\n}\n").next().unwrap());
    whole
        .map(|text| {
            let name = text.split(' ').next().unwrap();
            Function(name.to_owned(), text.to_owned())
        })
        .collect()
}

/// What stands in single quotes in `text`.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.lines()
        .flat_map(|line| line.split('\'').skip(1).step_by(2))
        .collect()
}

/// The word between `before` and the next single quote.
fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split(before).nth(1)?.split('\'').next()
}

/// What a function asks keyroll for.
#[derive(Debug)]
struct Call {
    /// The verb, such as `node list`.
    verb: String,
    /// The arguments, as names of variables.
    arguments: Vec<String>,
    /// What is taken of the answer; else all of it.
    field: Option<String>,
}

impl Function {
    fn is_public(&self) -> bool {
        self.1.contains("<#")
    }

    fn help(&self) -> &str {
        self.1.split("#>").next().unwrap()
    }

    fn body(&self) -> &str {
        self.1.split("#>").last().unwrap()
    }

    fn parameters(&self) -> Vec<&str> {
        let Some(list) = self.body().split("param(").nth(1) else {
            return Vec::new();
        };
        let list = list.split("\n    )\n").next().unwrap();
        // Each ends a line, after its type.
        let ends = list.lines().filter_map(|line| line.split("] $").nth(1));
        ends.map(|end| end.split([' ', ',', ')']).next().unwrap())
            .collect()
    }

    fn calls(&self) -> Vec<Call> {
        let mut words = "";
        let mut calls = Vec::new();
        for line in self.body().lines() {
            if let Some((_, given)) = line.split_once("$words = ") {
                words = given;
            }
            let Some((call, given)) = line.split_once(" -Words ") else {
                continue;
            };
            let given = if given.starts_with("$words") {
                words
            } else {
                given
            };
            let list = given.trim_start_matches(['@', '(']);
            let list = list.split([')', '|', '"']).next().unwrap();
            let (literal, named): (Vec<_>, Vec<_>) = list
                .split(", ")
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .partition(|word| word.starts_with('\''));
            calls.push(Call {
                verb: literal.join(" ").replace('\'', ""),
                arguments: named.iter().map(ToString::to_string).collect(),
                field: after(call, "-Field '").map(str::to_owned),
            });
        }
        calls
    }

    fn options(&self) -> BTreeSet<String> {
        let words = self.body().split(['\'', '"']);
        words
            .filter(|word| word.starts_with("--"))
            .map(|word| word.split('=').next().unwrap().to_owned())
            .collect()
    }

    /// The kind of object that comes out.
    fn kind(&self) -> Option<&str> {
        after(self.body(), "As = '")
    }
}

/// A value for each argument and for each option without which a verb does nothing.
fn sample(name: &str) -> Option<&'static str> {
    Some(match name {
        "$Array" => "web",
        "$Node" => "node1",
        "$Choice" => "continue",
        "--yes" => "--yes",
        "--array" => "--array=web",
        "--every" => "--every=30d",
        "--allow" => "--allow=logon-session",
        "--forbid" => "--forbid=logon-session",
        _ => return None,
    })
}

/// What the real `keyroll` answers.
fn answer(function: &Function, call: &Call) -> Value {
    let options = function.options();
    let arguments = call.arguments.iter().chain(&options);
    let mut line = format!("{} --output json", call.verb);
    for argument in arguments.filter_map(|name| sample(name)) {
        line = format!("{line} {argument}");
    }
    World::new().run(&line).exits(0).json()
}

#[test]
fn every_file_is_powershell() {
    let mut parser = tree_sitter::Parser::new();
    let language = tree_sitter_powershell::LANGUAGE.into();
    parser.set_language(&language).unwrap();
    let mut is_fine = |text: &str| !parser.parse(text, None).unwrap().root_node().has_error();
    assert!(!is_fine("function Get-Thing { param("));
    // What the agent on Windows has PowerShell do, too.
    let switch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/src/iis_pool/switch.ps1");
    let switch = std::fs::read_to_string(switch).unwrap();
    let switch = ("switch.ps1".to_owned(), switch);
    for (name, text) in files().into_iter().chain([switch]) {
        assert!(is_fine(&text), "{name}");
        assert!(
            text.is_ascii(),
            "{name}: Windows PowerShell takes it for another code page"
        );
        let long = text.lines().find(|line| line.len() > 100);
        assert_eq!(long, None, "{name}");
    }
}

#[test]
fn every_line_that_it_runs_is_one_of_keyroll() {
    let mut asked = 0;
    for function in functions().iter().filter(|function| function.is_public()) {
        let calls = function.calls();
        let mut helps = String::new();
        for call in &calls {
            let help = World::new().run(&format!("{} --help", call.verb));
            helps += &help.exits(0).out;
            let answer = answer(function, call);
            let taken = call.field.as_ref().map_or(&answer, |field| &answer[field]);
            let first = taken.get(0).unwrap_or(taken);
            assert!(first.is_object(), "{}: {call:?}: {answer}", function.0);
            for column in function.kind().map(columns).unwrap_or_default() {
                assert!(first.get(&column).is_some(), "{}: {column}", function.0);
            }
            asked += 1;
        }
        for option in function.options() {
            let shown =
                helps.contains(&format!("{option} ")) || helps.contains(&format!("{option}\n"));
            assert!(shown, "{}: keyroll has no {option} there", function.0);
        }
    }
    assert!(asked > 20, "{asked}");
}

/// What a table shows of a kind.
fn columns(kind: &str) -> Vec<String> {
    let text = read("keyroll.psm1");
    let line = text
        .lines()
        .find(|line| line.contains(&format!("'{kind}' = ")));
    let columns = quoted(line.unwrap())
        .into_iter()
        .filter(|word| *word != kind);
    columns.map(str::to_owned).collect()
}

#[test]
fn it_exports_what_has_help_and_help_tells_everything() {
    let manifest = read("keyroll.psd1");
    let exported = quoted(&manifest);
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/powershell.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    for function in functions() {
        let name = function.0.as_str();
        assert_eq!(exported.contains(name), function.is_public(), "{name}");
        if !function.is_public() {
            continue;
        }
        assert!(
            manual.contains(&format!("`{name}`")),
            "{name} is not in docs/powershell.md"
        );
        let help = function.help();
        for part in [".SYNOPSIS\n", ".EXAMPLE\n    ", name] {
            assert!(help.contains(part), "{name}: {part}");
        }
        for parameter in function.parameters() {
            let told = help.contains(&format!(".PARAMETER {parameter}\n"));
            assert!(told, "{name}: {parameter} is not in its help");
        }
        let told = help.matches(".PARAMETER ").count();
        assert_eq!(told, function.parameters().len(), "{name}");
    }
    let known: BTreeSet<_> = functions().into_iter().map(|function| function.0).collect();
    for name in exported.iter().filter(|word| word.contains("-Keyroll")) {
        assert!(known.contains(*name), "{name} is exported and not there");
    }
    assert!(
        exported.contains(env!("CARGO_PKG_VERSION")),
        "another version"
    );
}

#[test]
fn whatever_changes_something_can_be_tried_and_what_asks_is_asked_about() {
    for Function(name, text) in functions() {
        let tries = text.contains("'--dry-run'");
        let changes = text.contains("SupportsShouldProcess") && name != "Set-KeyrollConnection";
        assert_eq!(tries, changes, "{name}");
        let asks = text.contains("'--yes'");
        assert_eq!(asks, text.contains("ConfirmImpact = 'High'"), "{name}");
    }
}

#[test]
fn it_knows_every_exit_code_and_the_fields_of_an_error() {
    let program = read("program.ps1");
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, codes) = manual.split_once("## Exit codes").unwrap();
    let rows = codes.lines().filter_map(|row| row.strip_prefix("| "));
    let codes = rows.filter_map(|row| row.split(' ').next()?.parse::<u8>().ok());
    let codes: Vec<u8> = codes.filter(|code| *code != 0).collect();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(
            program.contains(&format!("\n    {code} = '")),
            "exit code {code}"
        );
    }
    let world = World::new();
    let status = refusal(
        Code::NotFound,
        "no array",
        "unknown-array",
        "keyroll status",
        66,
    );
    world.fake.knobs().refusal = Some(status);
    let ran = world.run("array show web --output json").exits(66);
    assert!(ran.err.starts_with("{\"error\":") && ran.err.lines().count() == 1);
    let said: Value = serde_json::from_str(&ran.err).unwrap();
    for field in fields(&program, "$trouble.") {
        assert!(said["error"].get(&field).is_some(), "error.{field}");
    }
    let refused = serde_json::to_value(samples::refused()).unwrap();
    let rollovers = read("rollovers.ps1");
    for (variable, value) in [("$Roll.", &refused), ("$refusal.", &refused["refusals"][0])] {
        for field in fields(&rollovers, variable) {
            assert!(value.get(&field).is_some(), "{variable}{field}");
        }
    }
}

/// What is taken of a variable.
fn fields(text: &str, variable: &str) -> BTreeSet<String> {
    let found: BTreeSet<String> = text
        .split(variable)
        .skip(1)
        .map(|from| {
            from.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap()
        })
        .map(str::to_owned)
        .collect();
    assert!(found.len() > 2, "{variable}: {found:?}");
    found
}
