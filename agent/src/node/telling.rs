//! What comes after the files are written: the services are told by hooks, and the keyset is held.

use keyroll::fence::{Epoch, Version};

use super::member::Member;
use super::{Node, StageError};
use crate::hook::HookError;
use crate::state::ArrayState;

impl Node {
    /// Runs the hooks, one caller after the other, and holds `version` if they ran after the last
    /// change of its files.
    pub(super) async fn tell_services(
        &self,
        member: &Member,
        arrived: u64,
        epoch: Epoch,
        version: Version,
    ) -> Result<(), StageError> {
        let name = &member.array.name;
        let _alone = member.hooks.lock().await;
        if !member.came_last(arrived) {
            // Whoever waited this long has asked again, or nobody waits any more.
            return Err(StageError::Superseded(version));
        }
        let seen = {
            let mut state = member.state.lock().await;
            if !state.hooks_due || state.fence.version != version {
                return self.hold(member, &mut state, epoch, version).await;
            }
            state.changes
        };
        for hook in &member.array.hooks {
            let ran = hook.run(name, version).await;
            member.note(ran.as_ref().err().map(HookError::to_string));
            ran?;
        }
        let mut state = member.state.lock().await;
        if state.changes != seen {
            return Err(StageError::Superseded(version));
        }
        self.hold(member, &mut state, epoch, version).await
    }

    /// Notes that `version` is whole, unless the node is beyond it by now.
    pub(super) async fn hold(
        &self,
        member: &Member,
        state: &mut ArrayState,
        epoch: Epoch,
        version: Version,
    ) -> Result<(), StageError> {
        let (begun, removed) = (state.fence.version, state.removed && state.files.is_empty());
        if begun != version || removed {
            return Err(StageError::Superseded(version));
        }
        let mut next = state.clone();
        next.hold(epoch, version);
        self.keep(member, state, next).await?;
        self.gates.held(&member.array.name, version);
        Ok(())
    }
}
