//! `keyroll-agent check` and `show`: what is there, in lines or as JSON; nothing is changed.

use std::path::Path;

use clap::ValueEnum;
use keyroll::keytab::TargetKind;
use keyroll::name::ArrayName;
use serde_json::{Value, json};

use crate::atomic_file;
use crate::command_line::say;
use crate::config::{Array, Config};
use crate::exit::Exit;
use crate::identity::{Identity, IdentityError};
use crate::iis_pool;
use crate::keytab_file::{KeytabError, Target};
use crate::logon_session::{self, Session};
use crate::obeyed;
use crate::platform;
use crate::service_logon;
use crate::state::ArrayState;
use crate::trouble::chain;

/// For whom it is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What was looked at, and what was found: `Err` is what needs attention.
type Finding = (String, Result<String, String>);

/// Looks at the identity, at every target and whatever takes a password, and at whose the
/// settings and hooks are.
pub fn check(settings: &Path, config: &Config, output: Output) -> Exit {
    let mut findings = vec![("identity".to_owned(), identity(config))];
    let obeyed = obeyed::demand_given(settings, config);
    findings.extend(obeyed.err().map(|trouble| {
        let object = settings.display().to_string();
        (object, Err(trouble.to_string()))
    }));
    findings.extend(targets(config).map(|(_, target)| {
        let object = target.path.display().to_string();
        (object, inspect(target))
    }));
    findings.extend(config.arrays.iter().flat_map(|array| left(config, array)));
    findings.extend(config.arrays.iter().flat_map(takers));
    match output {
        Output::Table => findings.iter().for_each(|finding| say(&line(finding))),
        Output::Json => {
            let checks: Vec<Value> = findings.iter().map(value).collect();
            say(&json!({ "checks": checks }).to_string());
        }
    }
    if findings.iter().all(|(_, verdict)| verdict.is_ok()) {
        Exit::Done
    } else {
        Exit::Found
    }
}

fn line((object, verdict): &Finding) -> String {
    match verdict {
        Ok(fine) => format!("ok       {object}: {fine}"),
        Err(why) => format!("TROUBLE  {object}: {why}"),
    }
}

fn value((object, verdict): &Finding) -> Value {
    json!({ "object": object, "found": verdict.as_ref().ok(), "trouble": verdict.as_ref().err() })
}

fn identity(config: &Config) -> Result<String, String> {
    match Identity::load(&config.state) {
        Ok(identity) => Ok(format!("joined as {}", identity.node())),
        Err(error @ IdentityError::NotJoined) => Err(format!(
            "{error}; next: keyroll node add ARRAY NODE on the controller"
        )),
        Err(error) => Err(chain(&error)),
    }
}

fn inspect(target: &Target) -> Result<String, String> {
    let fine = match target.entries() {
        Ok(entries) => format!("{} entries", entries.len()),
        Err(KeytabError::File(error)) if error.is_missing() => "not there yet".to_owned(),
        Err(error) => return Err(chain(&error)),
    };
    if target.filter.kind != TargetKind::Shared {
        // A link, or a second name.
        atomic_file::existing(&target.path).map_err(|error| chain(&error))?;
    }
    let folder = target.path.parent().unwrap_or(Path::new("/"));
    match platform::may_write_in(folder) {
        Ok(()) => Ok(fine),
        Err(error) => Err(format!("cannot write in {}: {error}", folder.display())),
    }
}

/// Keys of the array that the settings have no place for any more.
fn left(config: &Config, array: &Array) -> Vec<Finding> {
    let (name, folder) = (&array.name, config.state.join("arrays"));
    let mut state = match ArrayState::load(&folder, name) {
        Ok(state) => state,
        Err(error) => return vec![(format!("array {name}"), Err(chain(&error)))],
    };
    state.part_with(&array.targets);
    let left = state.left.iter().map(|(path, marks)| {
        let why = format!(
            "{} keys of array {name} are left here, where the settings have no target for them; \
             they go with the next roll, which retires them",
            marks.len()
        );
        (path.display().to_string(), Err(why))
    });
    left.collect()
}

/// What takes the array's password: whether it is there.
fn takers(array: &Array) -> Vec<Finding> {
    let takers = platform::takers();
    let services = takers.services.as_ref();
    let session = |session: &Session| {
        let found = match session.id(services) {
            Ok(Some(_)) => Ok("there".to_owned()),
            Ok(None) => Ok("gets it once it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        (format!("{} {session}", logon_session::NAME), found)
    };
    let service = |service: &String| {
        let found = services.account(service);
        let found = found.map(|account| format!("logs on as {account}"));
        let found = found.map_err(|error| error.to_string());
        (format!("{} {service}", service_logon::NAME), found)
    };
    let pool = |pool: &String| {
        let found = takers.pools.look(pool);
        let found = found.map(|found| format!("runs as {}", found.runs_as()));
        let found = found.map_err(|error| error.to_string());
        (format!("{} {pool}", iis_pool::NAME), found)
    };
    let sessions = array.sessions.iter().flatten().map(session);
    let services = array.services.iter().flatten().map(service);
    let pools = array.pools.iter().flat_map(|pools| &pools.names).map(pool);
    sessions.chain(services).chain(pools).collect()
}

fn targets(config: &Config) -> impl Iterator<Item = (&ArrayName, &Target)> {
    config.arrays.iter().flat_map(|array| {
        array
            .targets
            .iter()
            .map(move |target| (&array.name, target))
    })
}

/// Shows the entries of every target; never a key.
pub fn show(config: &Config, output: Output) -> Exit {
    let mut exit = Exit::Done;
    let mut files = Vec::new();
    for (array, target) in targets(config) {
        let path = target.path.display().to_string();
        let (entries, trouble) = match target.entries() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        if trouble.is_some() {
            exit = Exit::Found;
        }
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| match entry {
                None => json!({ "principal": null }),
                Some(entry) => json!({
                    "principal": entry.principal.to_string(),
                    "kvno": entry.kvno.0,
                    "enctype": entry.known_key().map(|key| key.enctype().name()),
                    "timestamp": entry.timestamp,
                }),
            })
            .collect();
        files.push(json!({ "array": array, "path": path, "entries": entries, "trouble": trouble }));
    }
    if output == Output::Json {
        say(&json!({ "files": files }).to_string());
        return exit;
    }
    for file in &files {
        say(&format!(
            "{} (array {})",
            text(&file["path"]),
            text(&file["array"])
        ));
        if let Some(trouble) = file["trouble"].as_str() {
            say(&format!("  TROUBLE: {trouble}"));
        }
        for entry in file["entries"].as_array().into_iter().flatten() {
            let (principal, enctype) = (text(&entry["principal"]), text(&entry["enctype"]));
            let kvno = entry["kvno"].as_u64().unwrap_or_default();
            say(&format!("  kvno {kvno:<6} {enctype:<28} {principal}"));
        }
    }
    exit
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("(unreadable)")
}
