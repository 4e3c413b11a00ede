//! The controller's disk is put back to an earlier day, and what it has forgotten is found out.

use super::*;
use crate::roll::recovery::{Issuer, Look, Verdict, judge};

impl World {
    /// A random world whose controller is put back again and again.
    pub fn forgetful(seed: u64) -> Self {
        let mut world = Self::random(seed);
        world.forgets = true;
        world
    }

    pub(super) fn forget_some(&mut self) {
        if matches!(self.roll.state(), State::Ended(_)) {
            return;
        }
        let most = self.journal.len() as u64;
        let left = self.dice.as_mut().map_or(most, |dice| 1 + dice.draw(most));
        self.forget(usize::try_from(left).unwrap());
    }

    /// Only the first `left` records are remembered; recovered by what is seen.
    pub fn forget(&mut self, left: usize) -> Verdict {
        self.journal.truncate(left);
        self.roll = Roll::replay(self.journal.clone()).unwrap();
        self.unsent = None;
        let verdict = loop {
            let looks = self.looks();
            let recorded = self.roll.frame().base.is_some();
            let all = looks.len() == self.dcs.len();
            let retired = all && self.is_retired();
            if let Some(verdict) = judge(Some(&self.roll), recorded, &looks, retired) {
                break verdict;
            }
        };
        let highest = self.nodes.iter().map(|(version, _)| *version).max();
        let version = highest.unwrap().max(self.roll.recipe().version.0) + 1;
        let found = verdict.found.clone().unwrap();
        let actor = "test".to_owned();
        self.write(Record::Recovered {
            version: Version(version),
            found,
            actor,
        });
        (self.since_record, self.since_state) = (Duration::ZERO, Duration::ZERO);
        verdict
    }

    /// A node holds what it held before the roll, under the latest version.
    pub fn put_back(&mut self, node: usize) {
        self.nodes[node].1 = BTreeSet::from([(WhichKey::Base, BASE), self.dcs[0]]);
    }

    fn looks(&mut self) -> Vec<Look> {
        let generated = self.roll.generated().is_some();
        (0..self.dcs.len())
            .filter_map(|index| {
                let DcView::Issues(issued) = self.look_at_dc(index) else {
                    return None;
                };
                let key = match issued.key {
                    WhichKey::Base => Issuer::Recorded,
                    WhichKey::New if generated => Issuer::Roll,
                    WhichKey::New | WhichKey::Foreign => Issuer::Unknown,
                };
                Some(Look {
                    key,
                    kvno: issued.kvno,
                    salt: None,
                })
            })
            .collect()
    }

    fn is_retired(&self) -> bool {
        let old = (WhichKey::Base, BASE);
        let version = self.roll.recipe().version.0;
        let more = self.nodes.iter().any(|(held, _)| *held > version);
        more && self.nodes.iter().all(|(_, keys)| !keys.contains(&old))
    }
}
