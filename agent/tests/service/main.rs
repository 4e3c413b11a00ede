//! The agent as its controller, its balancer and its services meet it: real TLS on loopback, real
//! files, the real service.

mod faults;
mod health;
mod keysets;
mod peers;
mod scene;
