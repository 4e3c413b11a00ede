//! The list.

mod host;
mod port;

/// How much it weighs.
#[derive(Clone, Copy)]
pub enum Weight {
    /// For 1.0.
    Must,
    /// Better with it.
    Should,
}

use Weight::{Must, Should};

/// One requirement, what shows it, and what is still missing.
pub struct Requirement {
    pub number: u8,
    pub weight: Weight,
    /// What is demanded, in a line.
    pub what: &'static str,
    /// The tests that show it, by name; each begins with the number.
    pub tests: &'static [&'static str],
    /// What they count, and insist on.
    pub figure: &'static str,
    /// What is not done; empty if everything is.
    pub missing: &'static str,
}

/// All of them, by number.
pub fn requirements() -> impl Iterator<Item = &'static Requirement> {
    PRODUCT.iter().chain(port::PORT).chain(host::HOST)
}

/// What is demanded of the programs.
const PRODUCT: &[Requirement] = &[
    Requirement {
        number: 1,
        weight: Must,
        what: "An agent is given the keysets of its own arrays alone, passwords only by leave",
        tests: &["r01_in_ten_thousand_topologies_no_node_is_given_a_foreign_key_or_password"],
        figure: "10 000 topologies drawn at random, over 50 000 foreign keysets pushed by `stage`, \
                 the one call with keys and passwords: 0 reached an agent; every keyset had a \
                 password: 0 went without leave, and each that went opened at its own node alone",
        missing: "",
    },
    Requirement {
        number: 2,
        weight: Must,
        what: "A join token: 256 bits, hashed at rest, once, for one node and its arrays, 10 \
               minutes",
        tests: &[
            "r02_of_a_thousand_redemptions_at_once_exactly_one_succeeds",
            "r02_of_many_joins_at_once_one_succeeds",
            "r02_a_token_is_for_one_node_and_one_time",
            "r02_a_token_brings_its_node_in_once",
            "r02_strangers_latecomers_and_removed_nodes_stay_out",
            "r02_the_file_does_not_hold_the_token",
            "r02_an_invitation_holds_for_ten_minutes_at_the_most",
            "r02_an_invitation_ends_with_its_array",
        ],
        figure: "1 000 redemptions by 20 threads: 1 succeeds; at its last second + 1: refused",
        missing: "",
    },
    Requirement {
        number: 3,
        weight: Must,
        what: "Agent certificates of 24 h, renewed at half; the key never leaves the node",
        tests: &[
            "r03_for_thirty_days_no_certificate_ends_though_every_second_round_is_missed",
            "r03_of_the_certificates_that_ended_the_last_one_alone_gets_a_new_one",
            "r03_a_renewal_that_is_lost_on_its_way_locks_no_node_out",
            "r03_no_certificate_of_a_node_is_made_for_more_than_a_day",
        ],
        figure: "30 days of minutes, 3 nodes: never less than a third of the life left; of the \
                 ended ones, 3 that were the last renewed, 2 copies of earlier ones and 1 too late \
                 refused; the key is a file of mode 0600",
        missing: "",
    },
    Requirement {
        number: 4,
        weight: Must,
        what: "Revocation counts within 5 s, on new streams and on open ones",
        tests: &[
            "r04_of_a_thousand_removals_every_one_cuts_within_five_seconds",
            "r04_a_thousand_revoked_operators_hear_no_more_within_five_seconds",
            "r04_a_stream_ends_with_the_certificate",
            "r04_what_waits_for_somebody_is_not_told_once_he_is_revoked",
            "r04_a_revoked_admin_gets_no_more_of_a_backup",
            "r04_a_certificate_that_is_not_on_record_is_refused",
            "r04_removal_cuts_a_live_connection_and_the_call_on_it",
            "r04_a_node_s_new_life_does_not_inherit_the_old_connection",
            "r04_a_node_that_two_arrays_let_go_of_at_once_is_revoked",
            "r04_a_node_in_wrong_hands_cannot_put_off_that_it_is_let_go_of",
            "r04_a_node_that_has_joined_another_controller_hears_no_more_of_the_last",
            "r04_a_silent_connection_ends_though_nobody_else_comes",
            "r04_a_connection_ends_with_its_certificate",
            "r04_authorities_are_replaced_under_a_connection_until_its_own_is_gone",
        ],
        figure: "1 000 nodes and 1 000 operators revoked, each with an open stream: the slowest \
                 under 5 s; at an agent, whose controller was replaced: the next call on an open \
                 connection refused, a silent connection ended within 5 s",
        missing: "",
    },
    Requirement {
        number: 5,
        weight: Must,
        what: "TLS 1.3 alone, certificates both ways, no resumption, no early data, ALPN checked",
        tests: &[
            "r05_the_agent_speaks_with_the_controller_by_tls_1_3_and_with_nobody_else",
            "r05_without_a_certificate_or_with_tls_1_2_there_is_no_conversation",
            "r05_nobody_else_gets_in",
            "r05_an_operator_gets_in_and_is_known",
            "r05_only_tls_1_3_and_http_2_are_spoken_and_nothing_is_resumed",
            "r05_nobody_else_is_taken_for_a_node",
            "r05_an_agent_of_older_tls_or_of_no_protocol_is_refused",
            "r05_the_command_line_takes_nobody_else_for_the_controller",
        ],
        figure: "12 wrong peers at the agent's port, 10 at the operators', 3 at the door to join \
                 by, 7 in a node's place, 11 in the controller's towards operators: 0 let in",
        missing: "",
    },
    Requirement {
        number: 6,
        weight: Must,
        what: "Older epochs, versions and protocols are refused",
        tests: &[
            "r06_of_ten_thousand_replayed_and_changed_messages_none_is_taken",
            "r06_a_repetition_changes_nothing_and_older_ones_are_refused",
        ],
        figure: "10 000 messages of a recorded session (keysets, verdicts, wipes), changed and \
                 sent again: 10 000 refused, not a byte of the files changed, no gate shut",
        missing: "",
    },
    Requirement {
        number: 7,
        weight: Must,
        what: "The CA's key is sealed, and in no dump in the clear; it can be replaced with \
               overlapping trust",
        tests: &[
            "r07_the_store_does_not_hold_the_authority_s_key_in_the_clear",
            "r07_an_authority_is_replaced_with_overlapping_trust",
            "r07_no_step_is_taken_before_every_node_has_heard_of_the_last",
            "r07_the_authority_is_replaced_while_rolls_go_on",
        ],
        figure: "0 eight-byte parts of the key in the store's file; an authority replaced with a \
                 roll under way at each of the three steps: 0 logins failed",
        missing: "The sealing key is a file or a systemd credential (in a TPM, perhaps), not in \
                  PKCS#11. [One authority](decisions/0023-one-authority-and-no-intermediate.md), \
                  no intermediate of 90 days",
    },
    Requirement {
        number: 8,
        weight: Must,
        what: "One protocol version and the one before it, and no legacy call",
        tests: &["r08_there_is_one_protocol_and_nothing_before_it"],
        figure: "5 other services and calls: 5 unimplemented",
        missing: "There is one version so far, so nothing was removed yet",
    },
    Requirement {
        number: 10,
        weight: Must,
        what: "No secret in logs, errors, arguments, environment, output or files",
        tests: &[
            "r10_no_secret_is_anywhere_else",
            "r10_a_secret_cannot_be_shown_copied_compared_or_serialized",
            "r10_no_secret_is_in_an_error",
            "r10_what_is_no_safe_credential_is_refused_without_showing_it",
            "r10_an_invitation_is_never_repeated_and_a_silent_controller_is_named",
            "r10_a_password_in_an_error_of_any_test_is_found",
            "r10_no_secret_is_opened_where_words_are_made",
        ],
        figure: "password and three generations of keys, in five encodings, looked for in every \
                 file, log (trace), argument, environment and answer of two rolls: 0 found; the \
                 passwords of all accounts, in every answer and log of every end-to-end test, \
                 those of every error in [errors.md](errors.md) among them: 0 found. For errors \
                 that no such test meets: of over 1 000 places where words are made, 0 are given \
                 what a secret was opened for, but an HTTP header and the line that joins a node",
        missing: "",
    },
    Requirement {
        number: 11,
        weight: Must,
        what: "Wiped after use, not dumpable, no core, locked in memory",
        tests: &[
            "r11_no_core_is_left_and_the_watchdog_is_on",
            "r11_a_connection_that_keys_went_over_gives_way_to_another",
            "r11_a_connection_that_a_password_went_over_is_given_up",
            "r11_a_roll_with_all_memory_locked",
        ],
        figure: "agent's and controller's memory two seconds after a roll: 0 keys of three \
                 generations, 0 passwords (`r10_no_secret_is_anywhere_else`, which bears 30 s on \
                 a busy machine and prints the time); told that the limit is lifted, as the units \
                 do, both have all memory that they use locked, and roll: 0 logins failed",
        missing: "A call that is under way then keeps the connection that keys went over, and its \
                  buffers, for a minute at the most",
    },
    Requirement {
        number: 12,
        weight: Must,
        what: "At rest: sealed for one array, generation and use; destroyed when they are over",
        tests: &[
            "r12_a_sealed_value_opens_for_its_own_purpose_only",
            "r12_secrets_of_ended_rolls_are_destroyed_and_nothing_else",
        ],
        figure: "every swapped purpose refused; of rolls that ended, 0 secrets left in any row; no \
                 password and no key in the store's file (`r10_no_secret_is_anywhere_else`)",
        missing: "redb reuses freed pages later: until then a sealed copy may be in the file \
                  ([0013](decisions/0013-old-passwords-are-destroyed.md))",
    },
    Requirement {
        number: 13,
        weight: Must,
        what: "A keytab is never readable by others, not for a moment, whatever the umask",
        tests: &[
            "r13_ten_thousand_writes_leave_no_moment_in_which_others_can_read",
            "r13_the_look_bites",
        ],
        figure: "10 000 writes under umask 000, watched without a pause: 0 looks saw more than \
                 0640 or another group",
        missing: "SELinux labels are kept by code that no test runs: no SELinux here",
    },
    Requirement {
        number: 14,
        weight: Must,
        what: "No foreign entry is lost, no file is torn",
        tests: &[
            "r14_in_ten_thousand_races_nothing_that_others_add_is_lost",
            "r14_killed_at_every_system_call_the_file_is_the_old_or_the_new_one",
            "r14_others_read_whole_files_while_they_are_written",
            "r14_nodes_are_given_no_name_that_is_not_the_array_s_to_take",
        ],
        figure: "10 000 entries added by another writer while we write: 0 lost; 0 torn files met \
                 by a reader without a lock; 9 writes (stage, retire, first write and others, of \
                 each kind of file) killed at each of their system calls (381 of them): 0 files \
                 torn, 0 foreign entries lost, nothing left beside the file after the next start, \
                 and repeated the write is done; MIT, Heimdal and Java reading in a loop during \
                 1 000 writes to each kind of file: 0 reads without every principal's key",
        missing: "",
    },
    Requirement {
        number: 15,
        weight: Must,
        what: "Full, read-only or failing disk: refused, and the file is untouched",
        tests: &[
            "r15_a_full_disk_leaves_the_old_file",
            "r15_a_folder_that_cannot_be_written_keeps_its_file",
            "r15_whatever_call_fails_the_file_is_whole_and_the_error_names_it",
        ],
        figure: "EIO, ENOSPC, EDQUOT and EROFS from each call to a file of 9 writes, once and from \
                 then on (2 656 failures): each was refused with the file's name and the system's \
                 words or not needed; 0 files torn, 0 entries lost, and repeated the write is done",
        missing: "",
    },
    Requirement {
        number: 16,
        weight: Should,
        what: "Windows: ACLs of the service's SID, DPAPI-NG, named pipes",
        tests: &[],
        figure: "",
        missing: "Access lists and their tests are there ([windows.md](windows.md)), tried under \
                  wine alone; no DPAPI-NG, no service SID seen on a real Windows",
    },
    Requirement {
        number: 20,
        weight: Must,
        what: "Roles per array, denied by default; two persons for what is worst",
        tests: &[
            "r20_every_role_is_let_through_to_what_the_page_says",
            "r20_nobody_has_a_say_over_an_array_of_others",
            "r20_every_call_of_the_protocol_has_a_row",
            "r20_without_a_certificate_in_force_nothing_is_answered",
            "r20_an_operator_of_one_array_cannot_roll_all_of_them",
            "r20_lists_show_nobody_the_arrays_of_others",
            "r20_what_is_grave_waits_for_a_second_person_and_is_done_once",
            "r20_a_refusal_ends_it_and_nobody_else_hears_of_it",
            "r20_each_grave_kind_waits_and_nothing_else_does",
            "r20_what_no_sink_hears_of_spends_no_agreement",
            "r20_an_admin_of_one_array_takes_no_account_that_is_none_of_it",
            "r20_an_admin_of_one_array_moves_no_node_of_another",
            "r20_no_node_s_name_is_that_of_another_array_too",
            "r20_nobody_makes_a_second_person_alone",
            "r20_an_operator_of_the_askers_making_is_no_second_person",
            "r20_nobody_agrees_to_what_an_operator_of_their_own_making_asks",
            "r20_rules_by_which_old_keys_go_earlier_are_as_grave_as_an_emergency",
            "r20_leave_for_a_password_is_agreed_to_for_one_machine",
            "r20_leave_goes_with_the_array",
            "r20_an_agreement_is_worth_nothing_once_its_giver_may_not_give_it",
            "r20_a_roll_by_change_needs_no_right_at_all",
        ],
        figure: "each call × 9 callers made ([roles.md](roles.md)); one without a row fails",
        missing: "",
    },
    Requirement {
        number: 21,
        weight: Must,
        what: "A chained audit with signed checkpoints and sinks elsewhere; unwritable: nothing \
               is changed",
        tests: &[
            "r21_every_tampering_at_every_entry_is_found",
            "r21_the_rows_are_checked_and_so_is_the_end",
            "r21_nothing_follows_the_last_of_all_numbers",
            "r21_a_file_that_ends_with_what_is_no_entry_is_told_of",
            "r21_a_thousand_entries_never_pass_without_a_checkpoint",
            "r21_every_hour_the_chain_is_signed_if_it_has_grown",
            "r21_a_copy_tells_every_touched_line_and_every_foreign_signature",
            "r21_while_no_sink_takes_anything_nothing_is_changed_and_no_roll_begins",
            "r21_a_file_gets_every_entry_once_over_restarts_and_cuts",
            "r21_the_system_s_log_gets_a_datagram_for_each_entry",
            "r21_a_web_server_is_posted_the_entries_and_must_take_them",
            "r21_after_a_restore_the_file_goes_on_with_the_new_chain",
            "r21_every_choice_of_a_changing_call_is_in_its_entry",
            "r21_a_copy_is_worth_what_its_checkpoints_cover",
            "r21_while_the_sink_is_away_nothing_is_rolled_and_all_log_in",
        ],
        figure: "10 000 entries, each dropped, cut off, doubled, reordered, edited in three ways \
                 and rehashed: all found; a checkpoint after 1 000 entries, and after each hour \
                 (of virtual time) in which there were any",
        missing: "",
    },
    Requirement {
        number: 22,
        weight: Must,
        what: "Every write to the directory has an intent on record before it",
        tests: &["r22_a_write_without_an_intent_of_its_own_is_found"],
        figure: "asserted at every write of every seed; the model's S7 ([model.md](model.md))",
        missing: "",
    },
    Requirement {
        number: 23,
        weight: Must,
        what: "Rates: rolls an hour of one controller, one healing an hour, ten joins a minute \
               and address",
        tests: &[
            "r23_an_hour_has_no_more_rolls_than_the_settings_say_but_in_an_emergency",
            "r23_two_healers_do_not_take_turns",
            "r23_the_eleventh_try_within_a_minute_is_one_too_many",
            "r23_a_flood_of_addresses_neither_grows_nor_resets_the_memory",
        ],
        figure: "the roll beyond the bound, the 11th join in a minute and the 2nd healing in an \
                 hour refused; an emergency let through",
        missing: "All arrays together begin 200 an hour, not 4, unless `rolls-per-hour` says \
                  otherwise; one array begins fewer: \
                  [0026](decisions/0026-the-pace-of-rolls.md)",
    },
    Requirement {
        number: 24,
        weight: Should,
        what: "Operators log in without a shared password",
        tests: &[],
        figure: "certificates (`r05_an_operator_gets_in_and_is_known`)",
        missing: "Certificates only; no Kerberos, no OIDC",
    },
];
