//! R01: whatever anybody asks for, a node is given the keys of its own arrays alone, and the
//! passwords of those that an operator has named.

use std::collections::BTreeSet;

use keyroll::letter::LetterOpener;
use keyroll_proto::agent::SealedPassword;
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::passwords::{SECRET, keyset_of, leave, opened};
use super::*;

/// Of which each topology has some.
const NODES: usize = 12;
const ARRAYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const TOPOLOGIES: usize = 10_000;

/// The key of a node, by its number, that passwords for it are sealed to.
fn opener(node: usize) -> LetterOpener {
    LetterOpener::of([u8::try_from(node).unwrap() + 1; 32])
}

/// The letters of one push are the password, for this node and no other, if it may have it.
fn is_only_its_own(node: usize, keyset: &Keyset, may: bool, letters: &[SealedPassword]) -> bool {
    let reads = |who: usize, letter| {
        let text = opened(&opener(who), &format!("n{node}"), keyset, letter);
        text.is_some_and(|text| text.expose() == SECRET)
    };
    let other = (node + 1) % NODES;
    letters.len() == usize::from(may)
        && letters
            .iter()
            .all(|letter| reads(node, letter) && !reads(other, letter))
}

/// A topology: one or two of the nodes, each with the arrays that were drawn for it and those whose
/// passwords it may have, written down. Leave may be left over for an array that it is not in.
fn draw(
    world: &World,
    records: &mut [NodeRecord],
    dice: &mut StdRng,
) -> Vec<(usize, BTreeSet<ArrayName>)> {
    let amount = dice.random_range(1..=2);
    let chosen = rand::seq::index::sample(dice, NODES, amount).into_vec();
    for node in &chosen {
        let mut drawn = || -> BTreeSet<ArrayName> {
            let some = ARRAYS.iter().filter(|_| dice.random_bool(0.4));
            some.map(|array| array.parse().unwrap()).collect()
        };
        records[*node].arrays = drawn();
        let named = drawn().into_iter();
        records[*node].passwords = named.map(|array| (array, leave(&opener(*node)))).collect();
    }
    let store = &world.scratch.store;
    let written: Result<(), StoreError> = store.write(|change| {
        let mut nodes = chosen.iter();
        nodes.try_for_each(|node| change.put_node(&records[*node]))
    });
    written.unwrap();
    let arrays = |node: usize| (node, records[node].arrays.clone());
    chosen.into_iter().map(arrays).collect()
}

#[tokio::test]
async fn r01_in_ten_thousand_topologies_no_node_is_given_a_foreign_key_or_password() {
    let world = world();
    let pool = pool(&world);
    let (mut agents, mut records) = (Vec::new(), Vec::new());
    for number in 0..NODES {
        let node = format!("n{number}");
        let (issued, key) = node_certificate(&world.authority, &node, now_unix());
        let agent = FakeAgent::start(&node, key, &world.authority).await;
        let record = joined(&world, &node, &agent.address(), &[&issued]);
        pool.know(&record);
        agents.push(agent);
        records.push(record);
    }
    let mut dice = StdRng::seed_from_u64(1);
    let (mut own, mut foreign, mut passwords) = (0, 0, 0);
    for _ in 0..TOPOLOGIES {
        for (node, arrays) in draw(&world, &mut records, &mut dice) {
            let name = &records[node].name;
            let mut wanted = Vec::new();
            for array in ARRAYS {
                let is_own = arrays.contains(&array.parse().unwrap());
                // Some of its own, so that it is seen to be given something.
                if is_own && (node % 6 > 0 || !wanted.is_empty()) {
                    continue;
                }
                let keyset = keyset_of(array);
                let given = pool.stage(name, &keyset, [2; 32]).await;
                assert_eq!(given.is_ok(), is_own, "{name} and {array}: {given:?}");
                let letters = agents[node].sealed().concat();
                let may = is_own && records[node].passwords.contains_key(&keyset.array);
                assert!(
                    is_only_its_own(node, &keyset, may, &letters),
                    "{name} and {array}"
                );
                passwords += letters.len();
                if is_own {
                    wanted.push(array.to_owned());
                    own += 1;
                } else {
                    foreign += 1;
                }
            }
            assert_eq!(agents[node].given(), wanted, "{name}");
        }
    }
    assert!(
        own > 2_000 && foreign > 50_000 && passwords > 800,
        "{own} own, {foreign} foreign, {passwords} passwords"
    );
}
