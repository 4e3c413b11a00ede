//! What must hold of any bytes at all: one function for each property.
//!
//! A fuzz target ([`targets`](../targets)) feeds one of them with bytes that libFuzzer makes up;
//! the test in `replay.rs` feeds it with its corpus. A broken property is a panic.

pub mod configuration;
pub mod journal;
pub mod kerberos;
pub mod keytab;
pub mod ldap;
pub mod text;
pub mod wire;

/// A property, given any bytes. Whether they were taken for what they should be: no property says
/// it, but a specimen that nobody reads any more is none.
pub type Property = fn(&[u8]) -> bool;

/// Every property by the name of its fuzz target.
pub const ALL: [(&str, Property); 18] = [
    (
        "agent_configuration_is_valid_or_explained",
        configuration::agent,
    ),
    (
        "controller_configuration_is_valid_or_explained",
        configuration::controller,
    ),
    ("credential_caches_never_panic", kerberos::caches),
    ("gss_contexts_never_panic", kerberos::contexts),
    ("grpc_conversions_never_panic", wire::conversions),
    ("invitations_round_trip", text::invitations),
    ("journal_records_round_trip", journal::records_round_trip),
    ("journal_replay_never_panics", journal::replay_never_panics),
    ("kerberos_answers_never_panic", kerberos::answers),
    ("kerberos_insides_never_panic", kerberos::insides),
    (
        "keytab_edit_keeps_foreign_entries",
        keytab::edit_keeps_foreign_entries,
    ),
    ("keytab_framing_is_lossless", keytab::framing_is_lossless),
    ("ldap_answers_never_panic", ldap::answers),
    ("ldap_values_never_panic", ldap::values),
    ("names_round_trip", text::names),
    ("replication_stamps_never_panic", ldap::stamps),
    ("schedules_round_trip", text::schedules),
    ("security_descriptors_never_panic", ldap::descriptors),
];
