//! The process dies in the middle of a commit; the file is torn. What was said to be saved is
//! there, and what is read is what was written.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use keyroll::name::NodeName;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

const FOLDER: &str = "KEYROLL_CRASH_TEST_FOLDER";

/// Not a test: the process that is killed. It raises a number in two rows at once, for ever, and
/// says each number after it is saved.
#[test]
#[ignore = "the process that another test kills: cargo test -p keyroll-controller --lib \
            a_killed_process_loses_nothing_that_it_called_saved"]
#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let (store, _) = reopen(Path::new(&folder)).unwrap();
    for number in saved(&store).0 + 1.. {
        store.write(|change| write_pair(change, number)).unwrap();
        println!("saved {number}");
    }
}

fn write_pair(change: &Change<'_>, number: i64) -> Result<(), StoreError> {
    for name in ["n1", "n2"] {
        let mut node = NodeRecord::invited(name.parse().unwrap(), String::new());
        node.joined_unix = number;
        change.put_node(&node)?;
    }
    Ok(())
}

fn saved(store: &Store) -> (i64, i64) {
    let one = |name: &str| {
        let node: NodeName = name.parse().unwrap();
        let node = store.node(&node).unwrap();
        node.map_or(0, |node| node.joined_unix)
    };
    (one("n1"), one("n2"))
}

#[test]
fn a_killed_process_loses_nothing_that_it_called_saved() {
    let scratch = scratch();
    let folder = scratch.folder;
    drop(scratch.store);
    let mut last_epoch = Epoch(0);
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "child_that_writes_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let numbers = lines
                .map_while(Result::ok)
                .filter_map(|line| line.rsplit_once("saved ")?.1.trim().parse::<i64>().ok());
            numbers.last().unwrap_or(0)
        });
        std::thread::sleep(Duration::from_millis(60 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reader.join().unwrap();
        let (store, epoch) = reopen(folder.path()).unwrap();
        let (one, two) = saved(&store);
        assert_eq!(one, two, "half a change was saved");
        assert!(one >= said, "{said} was called saved, {one} is there");
        assert!(epoch > last_epoch);
        last_epoch = epoch;
    }
    let (store, _) = reopen(folder.path()).unwrap();
    assert!(saved(&store).0 > 12, "the child wrote hardly anything");
}

/// How a torn file is torn.
#[derive(Debug, Clone)]
enum Tear {
    Cut(usize),
    Flip(usize, u8),
    Blank(usize, usize),
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![
        any::<usize>().prop_map(Tear::Cut),
        (any::<usize>(), 0_u8..8).prop_map(|(at, bit)| Tear::Flip(at, bit)),
        (any::<usize>(), 1_usize..9000).prop_map(|(at, length)| Tear::Blank(at, length)),
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(48))]
    #[test]
    fn a_torn_file_gives_what_was_written_or_an_error(tear in tear()) {
        let folder = private_folder();
        let path = folder.path().join("state.redb");
        {
            let realm = "R".parse().unwrap();
            let store = Store::create(folder.path(), &realm, seal()).unwrap();
            store.write(|change| write_pair(change, 77)).unwrap();
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        match tear {
            Tear::Cut(at) => bytes.truncate(at % length),
            Tear::Flip(at, bit) => bytes[at % length] ^= 1 << bit,
            Tear::Blank(at, many) => {
                let at = at % length;
                bytes[at..(at + many).min(length)].fill(0);
            }
        }
        std::fs::write(&path, bytes).unwrap();
        // redb may panic on a page that makes no sense; the controller aborts then, which is an
        // end without an effect, as an error is.
        let read = std::panic::catch_unwind(|| {
            let (store, _) = reopen(folder.path()).ok()?;
            store.nodes().ok()
        });
        if let Ok(Some(nodes)) = read {
            let numbers: Vec<_> = nodes.iter().map(|node| node.joined_unix).collect();
            prop_assert!(
                numbers == [77, 77] || numbers.is_empty(),
                "{numbers:?} was read"
            );
        }
    }
}
