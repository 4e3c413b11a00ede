//! One seed: the world that it makes, the run in it, and what is told of it afterwards.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use keyroll::fence::Version;
use keyroll::kerberos::salt::AccountKind;
use keyroll::kerberos::{Enctype, Kvno};
use keyroll::keytab::TargetKind;
use keyroll::roll::policy::{Gate, Method, OnDeadline, Policy};
use keyroll::roll::{GenerationNumber, RollNumber};
use keyroll::secret::Password;
use keyroll_controller::driver;
use keyroll_controller::keys::seal_password;
use keyroll_controller::seal::Seal;
use keyroll_controller::store::{
    Account, ArrayRecord, DriftRecord, GenerationRecord, NamingRecord, NodeRecord, NodeState,
    Store, StoreError,
};

use crate::course::Course;
use crate::dice::Dice;
use crate::directory::PROBED;
use crate::domain::{Domain, FIRST_KVNO, FIRST_PASSWORD};
use crate::life::{After, live, realm};
use crate::mistake::Mistake;
use crate::operator::{Desk, Verb};
use crate::script::{self, Happening};
use crate::weather::Weather;
use crate::world::{Event, Inner, World};

/// What came of a seed.
pub struct Outcome {
    pub seed: u64,
    /// What the run was lost for.
    pub failure: Option<String>,
    /// Everything that happened, a line each.
    pub log: Vec<String>,
    /// Each roll, as `keyroll roll explain` tells it.
    pub stories: String,
}

/// Runs a seed.
pub fn run(seed: u64, mistake: Option<Mistake>) -> Outcome {
    let mut dice = Dice::new(seed, 2);
    let seal = Arc::new(Seal::new(&[5; 32]));
    let array = array(&mut dice, &seal);
    let world = world(seed, &mut dice, &array, mistake);
    let trouble = dice.millis(200_000..1_500_000);
    furnish(&world, &mut dice, &seal, &array, trouble);
    let reconcile = dice.millis(30_000..120_000);
    // A roll that dropped its old key at once leaves a drain by the tickets it saw to the next one.
    let drain = array.policy.drain_seen(PROBED);
    let mut course = Course::new(trouble, reconcile, drain);
    while live(&world, &seal, &mut course) == After::Another {}
    let stories = stories(&world, &seal);
    let inner = world.lock();
    Outcome {
        seed,
        failure: inner.failure.clone(),
        log: inner.log.clone(),
        stories,
    }
}

fn world(seed: u64, dice: &mut Dice, array: &ArrayRecord, mistake: Option<Mistake>) -> Arc<World> {
    let dcs = usize::try_from(dice.number(1..4)).unwrap();
    let domain = Domain::new(dcs, array.enctypes.clone());
    let policy = &array.policy;
    // The clocks of whoever issues and whoever accepts may each be off.
    let life = policy.ticket_life + policy.clock_skew * 2;
    let inner = Inner::new(seed, Weather::draw(dice), mistake, domain, life);
    World::new(inner)
}

/// Nodes with the first key, the store of a controller that knows of it, and a script.
fn furnish(
    world: &World,
    dice: &mut Dice,
    seal: &Arc<Seal>,
    array: &ArrayRecord,
    trouble: Duration,
) {
    let mut inner = world.lock();
    inner.domain.blind = inner.mistake == Some(Mistake::WritesBlindly);
    inner.lag = dice.pick(&[100..5_000, 1_000..20_000, 60_000..600_000]);
    let medium = inner.disk.medium();
    let (store, _) = Store::on(medium, &realm(), Arc::clone(seal)).unwrap();
    let nodes = dice.number(1..5);
    for number in 1..=nodes {
        let name = format!("n{number}").parse().unwrap();
        let kinds = dice.pick(&[
            vec![TargetKind::Owned],
            vec![TargetKind::Owned],
            vec![TargetKind::Owned, TargetKind::Client],
            vec![TargetKind::Shared],
        ]);
        inner.add_machine(&name, &array.name, kinds);
        let mut node = NodeRecord::invited(name, String::new());
        node.state = NodeState::Joined;
        node.arrays.insert(array.name.clone());
        let kept: Result<(), StoreError> = store.write(|change| change.put_node(&node));
        kept.unwrap();
    }
    let kept: Result<(), StoreError> = store.write(|change| change.put_array(array));
    kept.unwrap();
    match inner.mistake {
        Some(Mistake::ForgetsTheLastRecord) => inner.disk.lie(1),
        Some(Mistake::ForgetsManyRecords) => inner.disk.lie(100),
        _ => {}
    }
    script::write(&mut inner, dice, trouble);
    let first = Event::Script(Happening::Operator(Verb::Roll));
    inner.later(Duration::from_secs(40), first);
}

fn array(dice: &mut Dice, seal: &Seal) -> ArrayRecord {
    let name = Desk::name();
    let enctypes = dice.pick(&[
        vec![Enctype::Aes128CtsHmacSha1],
        vec![Enctype::Aes128CtsHmacSha1],
        vec![Enctype::Aes128CtsHmacSha1],
        vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1],
    ]);
    let domain = Domain::new(1, enctypes.clone());
    let first = GenerationNumber(1);
    let password = Password::new(FIRST_PASSWORD.to_owned());
    let method = [None, Some(Method::Change), Some(Method::FencedReset)];
    ArrayRecord {
        account: Account {
            guid: [7; 16],
            sam_account_name: "WEB$".to_owned(),
            kind: AccountKind::Computer,
            distinguished_name: String::new(),
            principal: domain.account.clone(),
        },
        realm: realm(),
        spns: vec![domain.service.name()],
        spns_pending: Default::default(),
        enctypes,
        policy: policy(dice),
        password_length: 64,
        current: Some(GenerationRecord {
            number: first,
            kvno: Kvno(FIRST_KVNO),
            salt: Some(domain.salt()),
            secret: seal_password(seal, &name, first, &password),
            password_known: true,
        }),
        previous: None,
        keyset_version: Version(1),
        next_roll: RollNumber(1),
        next_generation: GenerationNumber(2),
        rolled_at_unix: None,
        schedule: None,
        schedule_set_unix: None,
        paused: None,
        founding: None,
        stale: None,
        unknown_keys_stay: false,
        drift: DriftRecord::default(),
        naming: NamingRecord::default(),
        method: dice.pick(&method),
        name,
    }
}

fn policy(dice: &mut Dice) -> Policy {
    let seconds = |number: u64| Duration::from_secs(number);
    Policy {
        gate: dice.pick(&[Gate::All, Gate::All, Gate::AtLeast(1)]),
        on_deadline: dice.pick(&[OnDeadline::Abort, OnDeadline::Quarantine]),
        ticket_life: seconds(dice.pick(&[60, 100, 150, 300])),
        clock_skew: seconds(15),
        margin: seconds(10),
        ..Policy::default()
    }
}

/// What the journal tells of each roll.
fn stories(world: &World, seal: &Arc<Seal>) -> String {
    let medium = world.lock().disk.medium();
    let Ok((store, _)) = Store::on(medium, &realm(), Arc::clone(seal)) else {
        return "the store does not open".to_owned();
    };
    let mut text = String::new();
    let mut past = store.history(&Desk::name(), 100).unwrap_or_default();
    past.reverse();
    let start = 1_800_000_000_000;
    for past in past {
        let _ = writeln!(text, "roll {}:", past.number);
        for sentence in driver::story(&past.entries) {
            let at = (sentence.at_unix_millis - start) as f64 / 1000.0;
            let _ = writeln!(text, "[{at:>9.3}] {:<11} {}", sentence.state, sentence.text);
        }
    }
    text
}
