//! A password is written: applied or not, answered or not.

use super::*;

impl World {
    pub(super) fn commit(&mut self, index: usize) {
        self.writes += 1;
        self.unsent = None;
        let refused = |win32, text: &str| Answer::Refused {
            code: 19,
            win32: Some(win32),
            text: text.to_owned(),
        };
        if self.faults.contains(&Fault::WriteRefused) {
            self.observed.answer = Some(refused(0x52d, "too young"));
            return;
        }
        let lost = self.faults.iter_mut().find_map(|fault| match fault {
            Fault::AnswerLost {
                applied,
                times: times @ 1..,
            } => {
                *times -= 1;
                Some(*applied)
            }
            _ => None,
        });
        let lost = lost.or_else(|| self.chance(30).then(|| self.chance(50)));
        let may_apply = lost.unwrap_or(true);
        // A compare-and-swap: the old password must still be in force on this DC.
        let applies = may_apply && self.dcs[index].0 != WhichKey::New;
        if applies {
            let jump = self.faults.iter().find_map(|fault| match fault {
                Fault::KvnoJumps(by) => Some(*by),
                _ => None,
            });
            let kvno = self.dcs[index].1.next();
            self.dcs[index] = (WhichKey::New, Kvno(kvno.0 + jump.unwrap_or(0)));
            self.applied += 1;
            self.replication = Some(self.elapsed + Duration::from_secs(15));
        }
        self.observed.answer = Some(match lost {
            Some(_) => Answer::Unanswered {
                text: "connection reset".to_owned(),
            },
            None if applies => Answer::Applied,
            None => refused(0x56, "wrong old password"),
        });
    }
}
