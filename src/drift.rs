//! What somebody else has changed: told from what was known and what is seen, and judged.
//!
//! | module | what is looked at |
//! | --- | --- |
//! | `account` | the account's attributes |
//! | `stamp` | where and when one of them was written |
//! | `held` | which passwords tickets show, and so which keys the nodes hold between rolls |
//! | `heal` | whether a foreign password is replaced without asking |
//! | `password` | what is said of passwords that are not the array's |
//! | `domain` | domain controllers that were set back |
//! | `keytab` | files that others have written to |

mod account;
mod change;
mod domain;
mod heal;
mod held;
mod keytab;
mod password;
mod stamp;

pub use account::{DELEGATION_CHANGED, Known, Names, conditions, spns_to_take_up, taken_up};
pub use change::{Change, Judgement};
pub use domain::{DcMark, set_back};
pub use heal::{Heal, Healed, PAUSE, Remedy};
pub use held::{Issue, Kept, Sight, Standing};
pub use keytab::{Edited, fought_over};
pub use password::{Culprit, Look, halting, told};
pub use stamp::{Attribute, BadStamps, History, Invocation, Origin, Stamp, parse};
