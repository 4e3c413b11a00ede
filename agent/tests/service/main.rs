//! The agent as its controller, its balancer and its services meet it: real TLS on loopback, real
//! files, the real service.

#![expect(
    clippy::disallowed_methods,
    reason = "a test loses files as a careless person would"
)]

mod distrust;
mod dying;
#[cfg(unix)]
mod faults;
mod health;
#[cfg(unix)]
mod hooks;
#[cfg(windows)]
mod installed;
mod keysets;
#[cfg(unix)]
mod left;
mod local_authority;
mod logons;
#[cfg(unix)]
mod owners;
mod passwords;
mod peers;
mod pools;
mod scene;
mod sessions;
mod trust;
