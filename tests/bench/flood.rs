//! What strangers at every port cost a roll of a hundred agents: time and memory.

use anyhow::Result;
use keyroll_tests::lab::Lab;

use crate::roll_under_flood::{MEMORY_MOST, course};
use crate::table::Row;

/// Rolls each way.
const TIMES: usize = 5;

/// The same roll without strangers and among them.
pub fn measure(lab: &Lab) -> Result<Vec<Row>> {
    let course = course(lab, TIMES)?;
    course.nothing_is_lost()?;
    let (flooded, calm) = course.best();
    let what = "a roll's work with 100 agents under a flood, the best of 5";
    let bounded = course.memory_is_bounded().is_ok();
    let memory = |what: &str, more: u64, beside: String| Row {
        what: what.to_owned(),
        measured: format!("{:.1} MiB more", mib(more)),
        beside,
        wanted: Some((format!("at most {} MiB", mib(MEMORY_MOST)), bounded)),
    };
    let before = format!("{:.1} MiB before", mib(course.memory_before));
    Ok(vec![
        Row::ratio(what, flooded, ("without strangers", calm), 2.0),
        memory(
            "memory of the controller under it (VmHWM)",
            course.memory_more,
            before,
        ),
        memory(
            "memory of the agent that grows most (VmHWM)",
            course.agent_more,
            String::new(),
        ),
        Row {
            what: "logins lost meanwhile".to_owned(),
            measured: "0".to_owned(),
            beside: format!("{}; {}", course.logins, course.came),
            wanted: Some(("0".to_owned(), true)),
        },
    ])
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
