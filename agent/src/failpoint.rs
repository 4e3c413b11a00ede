//! The places where a test ends or stops the agent: before and after each effect on the node, and
//! each call of the controller. Debug builds only.

use strum::VariantNames as _;

use crate::effect::Effect;

/// Every place of the agent, as `KIND NAME`; each is reached before and after.
///
/// The calls are those of the protocol itself, so that a new one is a new place.
#[must_use]
pub fn places() -> Vec<String> {
    let protocol = include_str!("../../proto/keyroll/agent/v1/agent.proto");
    let calls = protocol
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "))
        .filter_map(|rest| rest.split('(').next());
    let effects = Effect::VARIANTS.iter();
    effects
        .map(|effect| format!("effect {effect}"))
        .chain(calls.map(|call| format!("call {call}")))
        .collect()
}
