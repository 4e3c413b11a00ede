//! A whole roll, against the sum of what no roll can do without.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use keyroll::kerberos::Enctype;
use keyroll::kerberos::salt::{AccountKind, Salt};
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::name::{DcName, NodeName};
use keyroll::roll::Answer;
use keyroll::roll::policy::Method;
use keyroll::secret::Password;
use keyroll_controller::directory::{ActiveDirectory, Kdcs};
use keyroll_controller::ports::{Directory as _, Kdc as _, KnownKeys, NewAccount, PasswordWrite};
use keyroll_controller::seal::Seal;
use keyroll_controller::store::{NodeRecord, Store};
use keyroll_tests::lab::Lab;
use keyroll_tests::world::World;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::keytab::replace;
use crate::roll_under_flood::users::settings;
use crate::table::{Row, median, span, timed};

/// Tickets that live for nothing, clocks that agree and no margin: the drain is over at once.
const NO_DRAIN: &[&str] = &[
    "--ticket-life",
    "0s",
    "--clock-skew",
    "0s",
    "--margin",
    "0s",
];
const ENCTYPES: [Enctype; 2] = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];
const ROLLS: usize = 5;
/// How often each part is measured.
const TIMES: usize = 9;
/// How often a node's file changes: both keys, their order, the new key alone.
const FILE_CHANGES: u32 = 3;

/// One roll, as its journal tells it.
struct Told {
    whole: Duration,
    states: Vec<(String, Duration)>,
    records: u32,
}

/// What each part of a roll takes, measured by the controller's own adapters.
struct Parts {
    modify: Duration,
    /// To the other domain controller, where there is one.
    replication: Option<Duration>,
    ticket: Duration,
    login: Duration,
    record: Duration,
    file: Duration,
    derivation: Duration,
}

/// Rolls the array of `world`, which it makes.
///
/// With one domain controller nothing but the controller's own work stands beside the parts. With
/// two, Samba's replication is by far the longest of them.
pub fn measure(world: &mut World<'_>, array: &str, folder: &Path) -> Result<(Vec<Row>, String)> {
    world.create(array, NO_DRAIN)?;
    world.serve(array)?;
    let mut rolls = (0..ROLLS)
        .map(|_| one_roll(world, array))
        .collect::<Result<Vec<_>>>()?;
    rolls.sort_by_key(|roll| roll.whole);
    let told = rolls.swap_remove(ROLLS / 2);
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let parts = runtime.block_on(parts(world.lab, folder))?;
    let nodes = u32::try_from(world.nodes.len())?;
    let dcs = u32::try_from(world.lab.dcs.len())?;
    let counted = parts.counted(&told, nodes, dcs);
    let sum = counted.iter().map(|(_, count, each)| *each * *count).sum();
    let theirs = ("sum of its unavoidable parts", sum);
    let at = if dcs == 1 {
        "1 domain controller".to_owned()
    } else {
        format!("{dcs} domain controllers")
    };
    let what = format!("whole roll of {nodes} nodes at {at}, no drain");
    let rows = vec![Row::ratio(&what, told.whole, theirs, 1.5)];
    let mut notes = format!(
        "\n## The roll at {at}\n\n{ROLLS} rolls of {nodes} nodes; the one in the middle took \
         {}:\n\n| State | Time |\n|---|---|\n",
        span(told.whole)
    );
    for (state, took) in &told.states {
        notes += &format!("| {state} | {} |\n", span(*took));
    }
    notes += "\nIts unavoidable parts, each measured by the controller's own adapters:\n\n\
              | Part | Count | Each | Sum |\n|---|---|---|---|\n";
    for (part, count, each) in counted {
        let (each, sum) = (span(each), span(each * count));
        notes += &format!("| {part} | {count} | {each} | {sum} |\n");
    }
    Ok((rows, notes))
}

impl Parts {
    /// What each part is called, how often a roll needs it, and what it takes once.
    fn counted(&self, told: &Told, nodes: u32, dcs: u32) -> Vec<(&'static str, u32, Duration)> {
        let replication = self
            .replication
            .map(|took| ("replication to the other domain controller", 1, took));
        // At each of them: which key it issues with before the write, after it, and before the old
        // key goes; and a login for each enctype, since a ticket shows the key of one alone, and
        // one before the roll, since an account that may not log in could not be proven.
        let (tickets, logins) = (3 * dcs, dcs * 3);
        let others = [
            ("LDAP modify", 1, self.modify),
            ("proof by a ticket", tickets, self.ticket),
            ("proof by a login with one enctype", logins, self.login),
            ("journal record, durable", told.records, self.record),
            ("node file, durable", FILE_CHANGES * nodes, self.file),
            ("derivation of the new keys", 1, self.derivation),
        ];
        replication.into_iter().chain(others).collect()
    }
}

fn one_roll(world: &World<'_>, array: &str) -> Result<Told> {
    let views = world.roll(&[array])?;
    let view = views.first().context("no roll")?;
    ensure!(view["state"] == "done", "the roll is {}", view["state"]);
    let times = view["times"].as_array().context("no times")?;
    let state = |time: &Value| -> Result<(String, Duration)> {
        let name = time["state"].as_str().context("a state without a name")?;
        let millis = &time["millis"];
        let millis = match millis.as_str() {
            Some(text) => text.parse()?,
            None => millis.as_u64().unwrap_or_default(),
        };
        Ok((name.to_owned(), Duration::from_millis(millis)))
    };
    let states = times.iter().map(state).collect::<Result<Vec<_>>>()?;
    let story = world.cli.run(&["roll", "explain", array])?;
    let sentences = story["sentences"].as_array().context("no story")?;
    Ok(Told {
        whole: states.iter().map(|(_, took)| *took).sum(),
        states,
        records: u32::try_from(sentences.len())?,
    })
}

async fn parts(lab: &Lab, folder: &Path) -> Result<Parts> {
    let kdc = directory(lab).await?;
    let seal = Arc::new(Seal::new(&[5; 32]));
    let store = Store::create(
        &folder.join(format!("roll{}", lab.dcs.len())),
        &lab.realm.parse()?,
        seal,
    )?;
    let node: NodeName = "n1".parse()?;
    // A row of a record's size; what a record costs is its way to the disk.
    let record = NodeRecord::invited(node, "x".repeat(400));
    let password = Password::new("x".repeat(64));
    let salt = Salt::new("CORP.EXAMPLEhostbench.corp.example".to_owned());
    let (mut records, mut files, mut derivations) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 * TIMES {
        records.push(timed(|| {
            store.write(|change| change.put_node(&record))?;
            Ok(())
        })?);
        files.push(timed(|| replace(folder, &[7; 1024]))?);
        derivations.push(timed(|| {
            let keys = derive_all(&ENCTYPES, &password, &salt);
            ensure!(keys.len() == ENCTYPES.len(), "a key is missing");
            Ok(())
        })?);
    }
    Ok(Parts {
        modify: kdc.modify,
        replication: kdc.replication,
        ticket: kdc.ticket,
        login: kdc.login,
        record: median(records),
        file: median(files),
        derivation: median(derivations),
    })
}

/// The parts that domain controllers have in it.
struct AtDcs {
    modify: Duration,
    replication: Option<Duration>,
    ticket: Duration,
    login: Duration,
}

/// A password change at the first domain controller, its way to the last, a ticket and a login.
async fn directory(lab: &Lab) -> Result<AtDcs> {
    let settings = settings(lab)?;
    let (directory, kdcs) = (ActiveDirectory::new(settings.clone())?, Kdcs::new(settings));
    let first: DcName = lab.dcs.first().context("no domain controller")?.parse()?;
    let others = lab.dcs.iter().skip(1).map(|dc| dc.parse());
    let others = others.collect::<Result<Vec<DcName>, _>>()?;
    let password = |number: usize| Password::new(format!("{}-Aa1{number}", "x".repeat(58)));
    let name = format!("parts{}", lab.dcs.len());
    let new = NewAccount {
        sam_account_name: &format!("{name}$"),
        kind: AccountKind::Computer,
        container: None,
        password: &password(0),
        enctypes: &ENCTYPES,
        fence: "0",
    };
    let made = directory.create(&first, &new).await;
    ensure!(made == Answer::Applied, "no account: {made:?}");
    let account = directory.find(&first, &format!("{name}$")).await?;
    let spn = format!("HTTP/{name}.{}", lab.domain);
    directory.add_spn(&first, &account, &spn).await?;
    let service = format!("{spn}@{}", lab.realm).parse()?;
    let salt = Salt::new(format!("{}host{name}.{}", lab.realm, lab.domain));
    let (mut modifies, mut replications) = (Vec::new(), Vec::new());
    let (mut tickets, mut logins) = (Vec::new(), Vec::new());
    // Once more than counted: the first one fetches the tickets that later ones go on with.
    for turn in 0..=TIMES {
        let (old, new) = (password(turn), password(turn + 1));
        let write = PasswordWrite {
            account: &account,
            old: Some(&old),
            new: &new,
            method: Method::Change,
            fence: (None, "unused"),
        };
        let begun = Instant::now();
        let answer = directory.write_password(&first, &write).await;
        modifies.push(begun.elapsed());
        ensure!(answer == Answer::Applied, "no password: {answer:?}");
        let written = Instant::now();
        let kvno = directory.read(&first, &account).await?.kvno;
        for dc in &others {
            while directory
                .read(dc, &account)
                .await
                .ok()
                .map(|state| state.kvno)
                != Some(kvno)
            {
                ensure!(written.elapsed().as_secs() < 30, "no replication");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        replications.push(written.elapsed());
        let begun = Instant::now();
        kdcs.sight(&first, &service, &KnownKeys::default()).await?;
        tickets.push(begun.elapsed());
        let key = derive_all(&ENCTYPES[..1], &new, &salt);
        let begun = Instant::now();
        kdcs.log_in(&first, &account.principal, &key).await?;
        logins.push(begun.elapsed());
    }
    let counted = |spans: Vec<Duration>| median(spans.into_iter().skip(1).collect());
    let replication = (!others.is_empty()).then(|| counted(replications));
    Ok(AtDcs {
        modify: counted(modifies),
        replication,
        ticket: counted(tickets),
        login: counted(logins),
    })
}
