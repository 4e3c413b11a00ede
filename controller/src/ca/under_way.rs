//! What strangers have begun and may not end: it is bounded, and the oldest of it gives way, so
//! that whoever says nothing keeps nobody out.

use std::collections::VecDeque;
use std::net::IpAddr;

use keyroll::crowd::{Room, network};
use tokio::task::AbortHandle;

/// What is under way, the oldest first.
#[derive(Debug)]
pub(super) struct UnderWay {
    room: Room,
    tasks: VecDeque<(IpAddr, AbortHandle)>,
}

impl UnderWay {
    /// Nothing yet, and room for so much.
    pub(super) const fn with_room_for(room: Room) -> Self {
        Self {
            room,
            tasks: VecDeque::new(),
        }
    }

    /// Begins what somebody at `address` wants. Whether something older was ended for it.
    pub(super) fn begin(
        &mut self,
        address: IpAddr,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let from = network(address);
        self.tasks.retain(|(_, task)| !task.is_finished());
        let there = self.tasks.iter().map(|(from, _)| *from);
        let oldest = self.room.gives_way(there, from);
        let oldest = oldest.and_then(|oldest| self.tasks.remove(oldest));
        if let Some((_, task)) = &oldest {
            task.abort();
        }
        self.tasks
            .push_back((from, tokio::spawn(work).abort_handle()));
        oldest.is_some()
    }
}
