//! Kerberos as far as a key needs it: who it belongs to, how it is derived, how it is proven.

pub mod ccache;
pub mod enctype;
pub mod key;
mod key_derivation;
pub mod message;
pub mod principal;
pub mod salt;
pub mod string_to_key;

pub use enctype::Enctype;
pub use key::{Key, Kvno};
pub use principal::{Principal, Realm};
