//! What keyroll promises, shown on a real domain with real tickets.
//!
//! The modules here are hands on the parts: the lab of `tests/lab`, the programs under test, the
//! web servers, the users. They look and act; the tests judge.

pub mod agent;
pub mod cli;
pub mod controller;
pub mod domain;
pub mod lab;
pub mod logins;
pub mod process;
pub mod wait;
pub mod web;
pub mod world;
