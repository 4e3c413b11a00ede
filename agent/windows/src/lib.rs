//! The calls of Windows that `keyroll-agent` needs and that no well-kept crate makes safe.
//!
//! The one place of keyroll where `unsafe` is allowed: each call stands alone, with the reason why
//! it is sound, behind a function that no caller can misuse. Nothing is decided here. Empty on
//! other systems.
#![cfg(windows)]

pub mod access;
pub mod authority;
pub mod clock;
pub mod event_log;
pub mod files;
pub mod job;
pub mod process;
pub mod protect;
pub mod services;
mod text;
