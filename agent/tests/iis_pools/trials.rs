//! The trials.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::salt::Salt;
use keyroll::kerberos::string_to_key::derive_all;
use keyroll::kerberos::{Enctype, Kvno, Principal};
use keyroll::keyset::{GenerationKeys, Keyset, Origin, Role, Unlisted};
use keyroll::letter::PasswordUse;
use keyroll::secret::Password;
use keyroll_agent::iis_pool::power_shell::{PowerShell, TIME_LIMIT};
use keyroll_agent::iis_pool::{PoolKeeper, Pools as _, Recycle};
use keyroll_agent::logon_session::kept::Kept;
use keyroll_agent::logons::Logons;
use keyroll_agent::state::ArrayState;
use keyroll_agent::trouble::chain;
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;

use crate::stand_in::{RUNS, TOLD, Told, Way, kept as kept_in};

const FILE: &str = include_str!("../../src/iis/tests/applicationHost.config");
const POOL: &str = "Shop & More";
const RUNS_AS: &str = r"CORP\WEB$";
const ACCOUNT: &str = "WEB$@CORP.EXAMPLE";

pub fn run() -> ExitCode {
    let trial = |name: &str, trial: fn()| {
        Trial::test(name, move || {
            trial();
            Ok::<_, Failed>(())
        })
    };
    let trials = vec![
        trial(
            "iis_gets_the_password_and_nobody_else_sees_it",
            iis_gets_the_password_and_nobody_else_sees_it,
        ),
        trial(
            "every_end_of_the_program_that_is_not_success_is_told_without_the_password",
            every_end_of_the_program_that_is_not_success_is_told_without_the_password,
        ),
        trial(
            "what_stands_in_the_way_is_found_before_anything_is_changed",
            what_stands_in_the_way_is_found_before_anything_is_changed,
        ),
        trial(
            "it_is_told_who_recycles_the_pool",
            it_is_told_who_recycles_the_pool,
        ),
        trial(
            "a_roll_tries_first_and_gives_once_the_directory_has_it",
            a_roll_tries_first_and_gives_once_the_directory_has_it,
        ),
        trial(
            "an_answer_that_was_lost_is_looked_for_and_not_given_twice",
            an_answer_that_was_lost_is_looked_for_and_not_given_twice,
        ),
        trial(
            "what_somebody_else_has_put_there_is_told_and_replaced",
            what_somebody_else_has_put_there_is_told_and_replaced,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A machine with IIS on it, and a PowerShell.
struct Machine {
    folder: TempDir,
    power_shell: Arc<PowerShell>,
}

impl Machine {
    fn new() -> Self {
        let this_program = std::env::current_exe().unwrap();
        // Beside it, where a second name for it can be.
        let folder = tempfile::tempdir_in(this_program.parent().unwrap()).unwrap();
        let program = folder.path().join("powershell.exe");
        fs::hard_link(&this_program, &program).unwrap();
        let config = folder.path().join("applicationHost.config");
        fs::write(&config, FILE).unwrap();
        let power_shell = PowerShell {
            program,
            config,
            time_limit: TIME_LIMIT,
        };
        let this = Self {
            folder,
            power_shell: Arc::new(power_shell),
        };
        this.is(Way::Works);
        this
    }

    fn tell(&self, told: &Told) {
        let told = serde_json::to_vec(told).unwrap();
        fs::write(self.folder.path().join(TOLD), told).unwrap();
    }

    fn is(&self, way: Way) {
        self.tell(&Told {
            way,
            config: self.power_shell.config.clone(),
            rotates: true,
            started: true,
        });
    }

    /// What PowerShell was started for since the last time.
    fn runs(&self) -> Vec<String> {
        let file = self.folder.path().join(RUNS);
        let runs = fs::read_to_string(&file).unwrap_or_default();
        fs::remove_file(&file).ok();
        runs.lines().map(str::to_owned).collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.power_shell.config).unwrap()
    }

    /// The password with which the pool would start.
    fn password(&self) -> String {
        kept_in(&self.text()).0
    }

    fn give(&self, password: &str) -> Result<Recycle, String> {
        let password = Password::new(password.to_owned());
        let given = self.power_shell.give(POOL, RUNS_AS, &password, true);
        given.map_err(|error| error.to_string())
    }

    fn logons(&self) -> Logons {
        let keeper = PoolKeeper {
            pools: self.power_shell.clone(),
            recycle: true,
        };
        let array = "web".parse().unwrap();
        Logons::begin(
            vec![POOL.to_owned()],
            Arc::new(keeper),
            self.folder.path(),
            &array,
        )
    }
}

fn kept(kvno: u32) -> Kept {
    let salt = Salt::new("CORP.EXAMPLEhostweb.corp.example".to_owned());
    let password = Password::new(password(kvno));
    let generation = GenerationKeys {
        role: Role::Current,
        kvno: Kvno(kvno),
        keys: derive_all(&[Enctype::Aes128CtsHmacSha1], &password, &salt),
        origin: Some(Origin { password, salt }),
    };
    let keyset = Keyset {
        array: "web".parse().unwrap(),
        epoch: Epoch(1),
        version: Version(1),
        principals: vec![ACCOUNT.parse().unwrap()],
        generations: vec![generation],
        unlisted: Unlisted::Remove,
    };
    Kept::of(&keyset, PasswordUse::IisPool).unwrap()
}

fn password(kvno: u32) -> String {
    format!("canary of {kvno}")
}

fn account() -> Principal {
    ACCOUNT.parse().unwrap()
}

fn trouble(logons: &Logons) -> Option<String> {
    logons.look(&ArrayState::fresh(), &[7; 32]).trouble
}

fn iis_gets_the_password_and_nobody_else_sees_it() {
    let machine = Machine::new();
    let text = machine.text();
    for password in [
        "canary",
        "ä€𝄞 '\"`$(Stop-Computer)\t\\ ;|&%PATH%{0}~",
        "\u{feff}\r\n",
        // One that stands in no variable of the environment by chance.
        "ß",
    ] {
        assert_eq!(
            machine.give(password),
            Ok(Recycle::ByItself),
            "{password:?}"
        );
        assert_eq!(machine.password(), password);
        // It has it: nothing is changed, and nobody recycled.
        assert_eq!(machine.give(password), Ok(Recycle::None), "{password:?}");
    }
    let (before, after) = (kept_in(&text).1, kept_in(&machine.text()).1);
    assert_eq!(text[..before.start], machine.text()[..after.start]);
    assert_eq!(text[before.end..], machine.text()[after.end..]);
    assert_eq!(machine.runs().len(), 8);
}

fn every_end_of_the_program_that_is_not_success_is_told_without_the_password() {
    let mut machine = Machine::new();
    for (way, told) in [
        (Way::Refuses, "says: cannot set […] there"),
        (Way::Absent, "Could not load file or assembly"),
        (Way::DiesBefore, "and no answer"),
        (Way::Deaf, "and no answer: out of memory"),
        (Way::Lies, "has its old password still"),
        (Way::Clear, "has no encrypted password"),
        (Way::DiesAfter, "and no answer"),
    ] {
        machine.is(way);
        let said = machine.give(&format!("canary {way:?}")).unwrap_err();
        assert!(said.contains(told), "{way:?}: {said}");
        assert!(!said.contains("canary"), "{way:?}: {said}");
    }
    machine.is(Way::Hangs);
    let hasty = PowerShell {
        program: machine.power_shell.program.clone(),
        config: machine.power_shell.config.clone(),
        time_limit: Duration::from_millis(300),
    };
    machine.power_shell = Arc::new(hasty);
    let said = machine.give("canary").unwrap_err();
    assert!(
        said.contains("took longer than 0 s and was ended"),
        "{said}"
    );
    let absent = PowerShell {
        program: machine.folder.path().join("none.exe"),
        config: machine.power_shell.config.clone(),
        time_limit: TIME_LIMIT,
    };
    machine.power_shell = Arc::new(absent);
    let said = machine.give("canary").unwrap_err();
    assert!(said.contains("cannot be started"), "{said}");
}

fn what_stands_in_the_way_is_found_before_anything_is_changed() {
    let machine = Machine::new();
    let tried = |pool: &str, account: &str| {
        let tried = machine.power_shell.rehearse(pool, account);
        tried.map_err(|error| error.to_string())
    };
    assert_eq!(tried(POOL, RUNS_AS), Ok(()));
    let said = tried("Old", RUNS_AS).unwrap_err();
    assert!(said.contains("knows none of this name"), "{said}");
    let said = tried(POOL, r"CORP\other").unwrap_err();
    assert!(said.contains("another account by now"), "{said}");
    machine.is(Way::Absent);
    let said = tried(POOL, RUNS_AS).unwrap_err();
    assert!(
        said.contains("Install-WindowsFeature Web-Scripting-Tools"),
        "{said}"
    );
    assert_eq!(machine.text(), FILE);
    // The agent itself looks at the file, without a PowerShell.
    machine.runs();
    let logons = machine.logons();
    let other: Principal = "OTHER$@CORP.EXAMPLE".parse().unwrap();
    let said = chain(&logons.hold(&other, None, true).unwrap_err());
    assert!(
        said.contains(r"application pool Shop & More logs on as CORP\WEB$, not as OTHER$"),
        "{said}"
    );
    fs::write(
        &machine.power_shell.config,
        "<configuration></configuration>",
    )
    .unwrap();
    let said = chain(&logons.hold(&account(), None, true).unwrap_err());
    assert!(said.contains("keyroll-agent iis show"), "{said}");
    assert!(machine.runs().is_empty());
}

fn it_is_told_who_recycles_the_pool() {
    let machine = Machine::new();
    let secret = |number: usize| Password::new(format!("canary {number}"));
    for (number, (rotates, started, recycle, told)) in [
        (true, true, true, Recycle::ByItself),
        (true, true, false, Recycle::ByItself),
        (false, true, true, Recycle::Asked),
        (false, true, false, Recycle::Left),
        (false, false, true, Recycle::Stopped),
    ]
    .into_iter()
    .enumerate()
    {
        machine.tell(&Told {
            way: Way::Works,
            config: machine.power_shell.config.clone(),
            rotates,
            started,
        });
        let (password, iis) = (secret(number), &machine.power_shell);
        let given = iis.give(POOL, RUNS_AS, &password, recycle).unwrap();
        assert_eq!(given, told, "{rotates} {started} {recycle}");
    }
    let said = Recycle::Left.told(POOL);
    let command = r#"next: C:\Windows\System32\inetsrv\appcmd.exe recycle apppool "Shop & More""#;
    assert!(said.ends_with(command), "{said}");
}

fn a_roll_tries_first_and_gives_once_the_directory_has_it() {
    let machine = Machine::new();
    let logons = machine.logons();
    let hold = |kvno, coming| logons.hold(&account(), Some(kept(kvno)), coming);
    let given = ["give-and-recycle given by-itself"];
    let tried = ["try could none"];
    let steps: [(u32, bool, &[&str]); 6] = [
        (3, false, &given),
        // Another is coming: given up, and begun anew.
        (3, true, &tried),
        (3, false, &[]),
        (3, true, &tried),
        (4, false, &given),
        (4, false, &[]),
    ];
    for (number, (kvno, coming, runs)) in steps.into_iter().enumerate() {
        hold(kvno, coming).unwrap();
        assert_eq!(machine.password(), password(kvno), "step {number}");
        assert_eq!(machine.runs(), runs, "step {number}");
        assert_eq!(trouble(&logons), None, "step {number}");
    }
    // What cannot be tried stops the roll where nothing has happened.
    machine.is(Way::Absent);
    let said = chain(&hold(4, true).unwrap_err());
    assert!(
        said.contains("application pool Shop & More did not get the password"),
        "{said}"
    );
    machine.is(Way::Works);
    machine.runs();
    // A start looks, and has nothing to do.
    machine.logons();
    assert_eq!(machine.runs(), [""; 0]);
}

fn an_answer_that_was_lost_is_looked_for_and_not_given_twice() {
    for (way, runs) in [
        (Way::DiesBefore, ["give-and-recycle given by-itself"]),
        (Way::DiesAfter, ["give-and-recycle had none"]),
    ] {
        for restarted in [false, true] {
            let machine = Machine::new();
            let mut logons = machine.logons();
            logons.hold(&account(), Some(kept(3)), false).unwrap();
            machine.is(way);
            let lost = logons.hold(&account(), Some(kept(4)), false);
            assert!(chain(&lost.unwrap_err()).contains("and no answer"));
            assert!(trouble(&logons).is_some(), "{way:?}");
            machine.is(Way::Works);
            machine.runs();
            if restarted {
                // The controller may be away.
                logons = machine.logons();
            } else {
                logons.hold(&account(), Some(kept(4)), false).unwrap();
            }
            assert_eq!(machine.runs(), runs, "{way:?} {restarted}");
            assert_eq!(machine.password(), password(4));
            assert_eq!(trouble(&logons), None, "{way:?} {restarted}");
        }
    }
}

fn what_somebody_else_has_put_there_is_told_and_replaced() {
    let machine = Machine::new();
    let logons = machine.logons();
    logons.hold(&account(), Some(kept(3)), false).unwrap();
    machine.give("by hand").unwrap();
    let said = trouble(&logons).unwrap();
    assert!(
        said.contains("has another password than the agent"),
        "{said}"
    );
    logons.hold(&account(), Some(kept(3)), false).unwrap();
    assert_eq!(machine.password(), password(3));
    assert_eq!(trouble(&logons), None);
    // Nothing of it is kept once it is wiped, and the pool goes on with it.
    let file = machine.folder.path().join("web.pool-passwords");
    assert!(Path::exists(&file));
    logons.wipe().unwrap();
    assert!(!Path::exists(&file));
    assert_eq!(machine.password(), password(3));
}
