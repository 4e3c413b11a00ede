//! The real `keyroll`, run against a fake controller on a Unix socket or over mutual TLS.

mod changes;
mod exits;
mod fake;
mod files;
mod identity;
mod pages;
mod powershell;
mod prints;
mod requests;
mod rolls;
mod samples;
mod terminal;
