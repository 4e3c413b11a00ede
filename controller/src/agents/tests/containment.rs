//! R01: whatever anybody asks for, a node is given the keys of its own arrays alone.

use std::collections::BTreeSet;

use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

/// Of which each topology has some.
const NODES: usize = 12;
const ARRAYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const TOPOLOGIES: usize = 10_000;

fn keyset_of(array: &str) -> Keyset {
    Keyset {
        array: array.parse().unwrap(),
        ..keyset(9)
    }
}

/// A topology: one or two of the nodes, each with the arrays that were drawn for it and written
/// down.
fn draw(
    world: &World,
    records: &mut [NodeRecord],
    dice: &mut StdRng,
) -> Vec<(usize, BTreeSet<ArrayName>)> {
    let amount = dice.random_range(1..=2);
    let chosen = rand::seq::index::sample(dice, NODES, amount).into_vec();
    for node in &chosen {
        let drawn = ARRAYS.iter().filter(|_| dice.random_bool(0.4));
        records[*node].arrays = drawn.map(|array| array.parse().unwrap()).collect();
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
async fn r01_in_ten_thousand_topologies_no_node_is_given_a_foreign_key() {
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
    let (mut own, mut foreign) = (0, 0);
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
                let given = pool.stage(name, &keyset_of(array), [2; 32]).await;
                assert_eq!(given.is_ok(), is_own, "{name} and {array}: {given:?}");
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
        own > 2_000 && foreign > 50_000,
        "{own} own, {foreign} foreign"
    );
}
