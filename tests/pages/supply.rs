//! R40, R41: what keyroll is built from, that nothing else gets in, and that another builder gets
//! the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyroll_tests::sbom::bill;

const LINUX: &str = "x86_64-unknown-linux-gnu";
/// Words after `cargo` that build, or ask what would be built: each with `--locked`.
const BUILDS: [&str; 11] = [
    "auditable",
    "build",
    "test",
    "clippy",
    "bench",
    "run",
    "install",
    "check",
    "doc",
    "metadata",
    "$verb",
];
/// Words that build nothing, and tools that know no `--locked`; nothing of their work is shipped.
const OTHERS: [&str; 5] = ["fmt", "deny", "clean", "fuzz", "mutants"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap()
}

/// Every script of the repository, the Makefile among them, by its path.
fn scripts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" && name != ".git" && name != "corpus" {
            scripts(&path, found);
        } else if path.extension().is_none() && path.is_file() {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if name == "Makefile" || text.starts_with("#!") {
                found.push((path, text));
            }
        }
    }
}

/// Each command that runs cargo: the word after it, and all of its line.
fn commands(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let parts = lines.flat_map(|line| line.split("##").take(1));
    let parts = parts.flat_map(|line| line.split(" && "));
    let run = parts.filter_map(|part| {
        let (before, after) = part.split_once("cargo ")?;
        let begins = before.is_empty() || before.ends_with([' ', '\t', '@', '/', '(']);
        let word = after.split_whitespace().next()?.trim_matches(['"', '\'']);
        // `--workspace` may stand between.
        let word = if word.starts_with("--") {
            after.split_whitespace().nth(1)?
        } else {
            word
        };
        (begins && !before.contains('\'')).then(|| (word.to_owned(), part.trim().to_owned()))
    });
    run.collect()
}

#[test]
fn r40_every_build_takes_what_the_lock_file_says() {
    let told = |line: &str| {
        commands(line)
            .into_iter()
            .map(|one| one.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(told("\t@nice cargo test -p x \\\n  --locked"), ["test"]);
    assert_eq!(told("# cargo test"), [] as [&str; 0]);
    let mut files = Vec::new();
    scripts(&top(), &mut files);
    let mut builds = 0;
    for (path, text) in &files {
        for (word, command) in commands(text) {
            let is_build = BUILDS.contains(&&*word);
            assert!(
                is_build || OTHERS.contains(&&*word),
                "{path:?}: {command}: cargo {word}?"
            );
            let locked = command.contains("--locked");
            assert!(!is_build || locked, "{path:?}: {command}: without --locked");
            builds += usize::from(is_build);
        }
    }
    assert!(builds > 15, "{builds} builds: the search finds nothing");
}

#[test]
fn r40_licences_sources_bans_and_advisories_are_all_checked() {
    let deny: toml::Table = read("deny.toml").parse().unwrap();
    let of = |table: &str, key: &str| deny[table][key].clone();
    for source in ["unknown-registry", "unknown-git"] {
        assert_eq!(of("sources", source).as_str(), Some("deny"), "{source}");
    }
    assert!(deny["sources"].get("allow-git").is_none());
    assert_eq!(of("bans", "wildcards").as_str(), Some("deny"));
    assert!(of("bans", "deny").as_array().unwrap().len() >= 3);
    assert!(of("licenses", "allow").as_array().unwrap().len() >= 5);
    assert_eq!(of("advisories", "yanked").as_str(), Some("deny"));
    for of_all in ["unmaintained", "unsound"] {
        assert_eq!(of("advisories", of_all).as_str(), Some("all"), "{of_all}");
    }
    for ignored in of("advisories", "ignore").as_array().unwrap() {
        assert!(
            ignored.get("reason").is_some(),
            "{ignored}: without a reason"
        );
    }
    // For every machine that a program is built for.
    let targets = deny["graph"]["targets"].as_array().unwrap();
    for shipped in [LINUX, "x86_64-pc-windows-gnu"] {
        assert!(
            targets.iter().any(|one| one.as_str() == Some(shipped)),
            "{shipped}"
        );
    }
    let makefile = read("Makefile");
    assert!(
        makefile.contains("cargo deny --workspace --log-level error check bans licenses sources")
    );
    assert!(makefile.contains("cargo deny --workspace check advisories"));
    assert!(read(".ci/run").contains("make lint"));
}

#[test]
fn r40_a_bill_of_materials_names_every_package_with_its_sum() {
    for name in ["keyroll-agent", "keyroll-controller"] {
        let bill = bill(&top(), name, LINUX).unwrap();
        let components = bill["components"].as_array().unwrap();
        let told = |one: &serde_json::Value| {
            let word = |key: &str| one[key].as_str().unwrap().to_owned();
            format!("{} v{}", word("name"), word("version"))
        };
        let mut listed: BTreeSet<String> = components.iter().map(told).collect();
        listed.insert(told(&bill["metadata"]["component"]));
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--prefix", "none", "--format", "{p}"])
            .args([
                "--edges",
                "normal,build",
                "--target",
                LINUX,
                "--package",
                name,
            ])
            .current_dir(top())
            .output()
            .unwrap();
        assert!(
            tree.status.success(),
            "{}",
            String::from_utf8_lossy(&tree.stderr)
        );
        let tree = String::from_utf8(tree.stdout).unwrap();
        let built = tree.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().take(2).collect();
            words.join(" ")
        });
        let built: BTreeSet<String> = built.filter(|one| !one.is_empty()).collect();
        let missing: Vec<&String> = built.difference(&listed).collect();
        assert!(
            missing.is_empty() && built.len() > 50,
            "{name}: {missing:?}"
        );
        for one in components {
            let ours = one["name"].as_str().unwrap().starts_with("keyroll");
            assert!(ours || one["hashes"][0]["content"].is_string(), "{one}");
            assert!(one["licenses"][0]["expression"].is_string(), "{one}");
        }
    }
}

#[test]
fn r41_two_builders_are_compared_byte_by_byte_and_share_no_path() {
    assert!(
        read("Makefile").contains("\n\ttests/reproduce\n")
            && top().join("tests/reproduce").is_file()
    );
    let folder = tempfile::tempdir().unwrap();
    let builder = |name: &str, last: &str| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        for program in ["keyroll-agent", "keyroll-controller", "keyroll"] {
            let bytes = format!("{program} {}", if program == "keyroll" { last } else { "" });
            std::fs::write(folder.join(program), bytes).unwrap();
        }
        folder
    };
    let (one, same, other) = (builder("1", "a"), builder("2", "a"), builder("3", "b"));
    let compared = |a: &Path, b: &Path| {
        let mut compare = Command::new(top().join("tests/reproduce"));
        let done = compare.arg("compare").args([a, b]).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(said).unwrap())
    };
    let (equal, said) = compared(&one, &same);
    assert!(equal && said.lines().count() == 3, "{said}");
    let (equal, said) = compared(&one, &other);
    assert!(!equal && said.contains("differ"), "{said}");
    std::fs::remove_file(same.join("keyroll-agent")).unwrap();
    let (equal, said) = compared(&one, &same);
    assert!(!equal && said.contains("No such file"), "{said}");
    // Whatever differs between two builders is told to neither compiler.
    let script = read("tests/builder");
    for hidden in ["$folder/sources=", "$cargo=", "$folder/out="] {
        assert!(
            script.contains(&format!("--remap-path-prefix={hidden}")),
            "{hidden}"
        );
    }
    assert!(script.contains("-ffile-prefix-map=$folder=") && script.contains("SOURCE_DATE_EPOCH="));
    let both = read("tests/reproduce");
    assert_eq!(both.matches("\"$top/tests/builder\" \"$work/").count(), 2);
}
