//! The core of keyroll: what is decided, and nothing that touches the world.
//!
//! Nothing here opens a file or a socket, reads a clock or draws a random number. Times, random
//! bytes and observations are arguments; decisions, bytes and reasons are results. So everything
//! in this crate can be replayed, explored exhaustively and tested without a machine around it.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`roll`] | the one next step of a roll, from its journal and what was last observed |
//! | [`keyset`] | which keys a node must hold, and which promise of theirs is believed |
//! | [`keytab`] | the bytes of a keytab, and the edit that leaves foreign entries untouched |
//! | [`kerberos`] | principals, enctypes, salts, keys, and the messages that prove a key |
//! | [`letter`] | a password sealed to one node, for the targets that need it |
//! | [`password`] | a password a directory accepts |
//! | [`spn`] | service principal names: well formed, alike, aliased, owned twice |
//! | [`schedule`] | when the next roll is due |
//! | [`delegation`] | who may act for whom, what that risks, how to change it |
//! | [`descriptor`] | who may do what to an object of the directory |
//! | [`drift`] | what somebody else has changed, and what follows from it |
//! | [`doctor`] | what is wrong with an array, why, and what mends it |
//! | [`shell`] | a text as one word of a command that people type |
//! | [`explain`] | what an error of Kerberos, LDAP or AD means |
//! | [`crowd`] | which of many strangers gives way, and how often it is told of them |
//! | [`directory_change`] | one change of one object: shown, recognized, taken back |

pub mod account;
pub mod crowd;
pub mod delegation;
pub mod descriptor;
pub mod directory_change;
pub mod doctor;
pub mod drift;
pub mod explain;
pub mod fence;
pub mod kerberos;
pub mod keyset;
pub mod keytab;
pub mod letter;
pub mod name;
pub mod password;
pub mod roll;
pub mod schedule;
pub mod secret;
pub mod shell;
pub mod spn;
