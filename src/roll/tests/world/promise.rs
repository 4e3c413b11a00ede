//! What is checked after every step.

use super::*;

impl World {
    /// The promise: every ticket alive, or issued by any DC now, opens at every serving node.
    pub(super) fn check(&mut self) {
        if self
            .faults
            .iter()
            .any(|fault| matches!(fault, Fault::KvnoJumps(_)))
            || self.dcs.iter().any(|(key, _)| *key == WhichKey::Foreign)
        {
            return;
        }
        let policy = self.policy();
        let dies = self.elapsed + policy.ticket_life + policy.clock_skew;
        for ticket in self.dcs.clone() {
            self.tickets.insert(ticket, dies);
        }
        let alive = self
            .tickets
            .iter()
            .filter(|(_, dies)| **dies > self.elapsed);
        let alive: Vec<Ticket> = alive.map(|(ticket, _)| *ticket).collect();
        let serving: Vec<usize> = self
            .roll
            .serving()
            .map(|name| index(name.as_str()))
            .collect();
        for serving in serving {
            for ticket in &alive {
                assert!(
                    self.nodes[serving].1.contains(ticket),
                    "n{serving} refuses {ticket:?} in {:?}",
                    self.roll.state()
                );
            }
        }
    }
}
