//! The controller: drives rolls, speaks with the directory and the agents, serves operators.

pub mod ports;
