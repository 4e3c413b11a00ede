//! The contract between the adapters in `src/directory` and a real Active Directory: what the
//! simulated directories of other tests assume is shown here on two domain controllers.
//!
//! Outside the lab the program starts itself again inside it, so that a plain `cargo test` runs
//! everything. The lab's tests share two domain controllers and run one after another.

mod client;
mod conditions;
mod connection;
mod delegation;
mod descriptors;
mod drift;
mod duplicates;
mod keytabs;
mod lab;
mod many;
mod operators;
mod rights;
mod services;
mod tickets;
mod writes;

use std::process::ExitCode;

use lab::{Lab, Shape};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if !arguments.list && !lab::is_inside() {
        return lab::enter(Shape { dcs: 2 });
    }
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

macro_rules! trials {
    ($($module:ident: $($test:ident),+;)+) => {
        vec![$($(trial(
            concat!(stringify!($module), "::", stringify!($test)),
            |lab| Box::pin($module::$test(lab)),
        )),+),+]
    };
}

fn trials() -> Vec<Trial> {
    trials! {
        conditions: everything_of_an_account_is_read, a_disabled_expired_or_protected_account_shows,
            a_locked_account_gets_no_tickets, who_may_not_log_in_is_told_from_a_wrong_key,
            an_account_without_enctypes_gets_rc4_tickets, the_password_rules_of_a_group_hold,
            accounts_that_cannot_be_rolled_are_not_found,
            what_is_hidden_of_an_account_is_no_sign_of_none;
        connection: r34_an_unknown_ca_is_refused, r34_another_host_name_is_refused,
            r34_plain_text_is_refused, silence_is_no_refusal, a_wrong_bind_password_is_shown_once,
            domain_controllers_come_from_srv_records;
        delegation: a_listed_service_is_reached_with_a_ticket_that_was_shown,
            a_user_is_named_only_with_protocol_transition, a_sensitive_front_acts_for_nobody,
            protected_users_are_told_from_others, a_protected_user_shows_no_evidence,
            evidence_from_before_a_password_is_none_after_it,
            everything_that_bears_on_delegation_is_found, a_member_may_act_by_its_group,
            who_delegates_is_found_by_every_name, what_is_hidden_is_not_taken_for_absent;
        descriptors: flags_are_swapped_and_none_is_lost,
            a_list_is_changed_as_planned_and_taken_back,
            a_domain_controller_may_keep_descriptors_to_itself,
            descriptors_come_and_go_byte_for_byte, who_lacks_a_right_is_told_the_attribute;
        drift: a_change_is_dated_and_names_its_domain_controller,
            a_domain_controller_tells_how_far_its_database_has_come;
        keytabs: a_keytab_binds_sealed_without_a_certificate,
            a_keytab_binds_over_tls_where_the_domain_controller_lets_it,
            a_password_binds_sealed_too, a_keytab_may_be_ahead_of_the_directory,
            a_keytab_of_old_keys_is_shown_once, a_wrong_clock_is_no_hindrance,
            a_sealed_message_that_was_changed_ends_the_connection;
        writes: a_created_user_and_computer_can_log_in, a_change_needs_the_old_password,
            a_user_password_is_too_young_to_change, a_used_password_is_refused,
            a_stale_fence_is_refused, nothing_is_written_to_a_protected_account,
            a_frozen_domain_controller_leaves_a_write_unanswered,
            enctypes_are_set_and_other_bits_stay;
        tickets: a_ticket_tells_whose_key_it_is_under, the_kdc_names_the_salt_of_a_upn,
            a_rename_keeps_the_salt_until_the_next_password, each_enctype_logs_in,
            a_wrong_key_is_tried_once, domain_controllers_differ_until_they_have_replicated;
        operators: a_ticket_from_kinit_makes_changes, a_password_that_was_typed_makes_changes,
            who_lacks_a_right_is_told_which, a_ticket_that_cannot_be_used_says_so;
        services: names_are_added_one_by_one, a_name_of_another_account_is_refused,
            a_duplicate_that_replication_made_shows, names_are_found_by_class_and_in_any_case,
            the_forest_tells_for_what_host_answers, dns_tells_addresses;
        duplicates: a_duplicate_ends_without_a_gap, the_only_name_goes_too,
            what_others_change_meanwhile_is_not_lost;
        rights: the_printed_rights_are_enough_and_no_more,
            the_rights_on_a_container_make_accounts_of_one_kind;
        many: an_inventory_has_no_end_at_a_thousand;
    }
}

type Test = fn(&'static Lab) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;

fn trial(name: &str, test: Test) -> Trial {
    Trial::test(name, move || {
        // A runtime for each test, so that no connection outlives it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(test(Lab::shared()));
        Ok(())
    })
}
