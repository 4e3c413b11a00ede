//! What is checked after every step.

use super::*;

impl World {
    /// The promise: every ticket alive, or issued by any DC now, opens at every serving node.
    pub(super) fn check(&mut self) {
        // A kvno that nobody predicted, and a password that nobody knows, can be covered only once
        // they are seen.
        let jumps = |fault: &Fault| matches!(fault, Fault::KvnoJumps(_));
        let jumps = self.faults.iter().any(jumps);
        let is_counted = |(key, _): &Ticket| match key {
            WhichKey::Foreign => false,
            WhichKey::New => !jumps,
            _ => true,
        };
        let policy = self.policy();
        // The clocks of whoever issues and whoever accepts may each be off.
        let dies = self.elapsed + policy.ticket_life + policy.clock_skew * 2;
        for ticket in self.dcs.clone().into_iter().filter(is_counted) {
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
