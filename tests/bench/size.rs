//! How large the programs are, on the disk and idle in memory.

use std::fs;

use anyhow::{Context as _, Result};
use keyroll_tests::lab::program;
use keyroll_tests::world::World;

use crate::table::Row;

const MIB: f64 = (1 << 20) as f64;
/// What the agent may take of a node's memory.
const AGENT_MOST: f64 = 10.0;

/// The programs that run in `world`.
pub fn measure(world: &mut World<'_>) -> Result<Vec<Row>> {
    let agent = world.agents.first_mut().context("no agent")?;
    let agent = resident(agent.process()?.id())?;
    let controller = resident(world.controller.process()?.id())?;
    let mut rows = vec![
        Row {
            what: "memory of an idle agent (VmRSS)".to_owned(),
            measured: format!("{agent:.1} MiB"),
            beside: String::new(),
            wanted: Some((format!("at most {AGENT_MOST} MiB"), agent <= AGENT_MOST)),
        },
        Row::plain(
            "memory of an idle controller with 3 nodes (VmRSS)",
            format!("{controller:.1} MiB"),
        ),
    ];
    for name in ["keyroll-agent", "keyroll-controller", "keyroll"] {
        let bytes = fs::metadata(program(name)?)?.len();
        let size = format!("{:.1} MiB", bytes as f64 / MIB);
        rows.push(Row::plain(&format!("size of `{name}`"), size));
    }
    Ok(rows)
}

fn resident(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}
