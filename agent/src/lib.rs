//! The agent: what touches a node.

pub mod atomic_file;
pub mod command_line;
pub mod config;
pub mod effect;
pub mod enroll;
pub mod exit;
pub mod failpoint;
pub mod gate;
mod half_open;
pub mod health;
pub mod hook;
pub mod identity;
#[cfg(any(windows, test))]
mod iis;
pub mod keytab_file;
pub mod letter_box;
pub mod logon_session;
mod look;
pub mod node;
mod obeyed;
mod own_names;
pub mod password_targets;
pub mod platform;
pub mod serve;
pub mod service;
pub mod service_logon;
pub mod shared_file;
pub mod state;
pub mod tls;
pub mod trouble;
