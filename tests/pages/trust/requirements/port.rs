//! What is demanded of the ports and of what comes in by them, and of being without the controller.

use super::Requirement;
use super::Weight::Must;

/// R30 to R34.
pub const PORT: &[Requirement] = &[
    Requirement {
        number: 30,
        weight: Must,
        what: "What strangers cost is bounded before they are known",
        tests: &[
            "r30_handshakes_that_are_held_up_end_and_keep_nobody_out",
            "r30_a_message_is_refused_by_its_first_five_bytes",
            "r30_headers_without_end_are_refused",
            "r30_a_flood_of_resets_keeps_nobody_waiting",
            "r30_a_flood_at_the_open_port_costs_a_hundred_nodes_no_call_and_no_connection",
            "r30_strangers_of_one_address_do_not_take_the_controllers_place",
            "r30_strangers_of_many_addresses_give_way_to_the_controller",
            "r30_strangers_stay_for_a_while_and_in_small_numbers",
            "r30_nobody_takes_more_places_than_his_own_and_each_comes_back",
            "r30_nobody_has_more_than_his_share_of_requests_under_way",
            "r30_a_request_counts_until_it_is_carried_out",
            "r30_two_backups_are_under_way_at_most_and_each_holds_a_place",
            "r30_a_flood_costs_a_roll_of_a_hundred_agents_no_call_and_no_login",
        ],
        figure: "200 half-open handshakes an address (8 at an agent), each 5 s, and the oldest \
                 gives way; a stranger has 16 connections of 30 s, an operator 64 and 128 requests \
                 under way; 1 GiB refused by its first 5 bytes; two whole rolls of 100 agents on a \
                 real directory, among over 10 000 handshakes held up, resets, messages of \
                 megabytes and connections kept at the open port, the operators' and the agents': \
                 0 logins lost with fresh or cached tickets, 0 gates shut, 0 connections lost, \
                 controller and agents at most 64 MiB larger",
        missing: "That the roll takes at most twice its time depends on the machine: `make bench` \
                 measures it (`tests/bench/flood.rs`), and has not been run on a calm machine yet; \
                 the test prints it",
    },
    Requirement {
        number: 31,
        weight: Must,
        what: "The controller dead for 30 days: no login fails",
        tests: &[
            "r31_thirty_days_without_the_controller_close_no_gate",
            "r31_after_thirty_days_without_the_controller_every_node_is_reached_again",
        ],
        figure: "30 days of minutes: 0 in which the gate is closed; then the node's certificate, \
                 30 days over, is renewed and the node looked at",
        missing: "",
    },
    Requirement {
        number: 32,
        weight: Must,
        what: "No reader of foreign bytes panics, or takes more than eight times their length",
        tests: &["r32_no_reader_panics_or_takes_more_than_eight_times_its_input"],
        figure: "18 properties, those of the fuzz targets ([README](../tests/fuzz/README.md)), \
                 each on its corpus and on 3 000 inputs with mistakes, up to 64 KiB long: 0 \
                 panics, and never more memory at once than 8 × the input and 256 KiB",
        missing: "Settings and schedules (TOML) take up to 128 ×, journals (JSON) up to 32 ×: \
                  trees of texts that strangers cannot send. Far from 500 CPU hours of \
                  fuzzing each",
    },
    Requirement {
        number: 33,
        weight: Must,
        what: "LDAP injection is impossible",
        tests: &[
            "r33_a_value_never_leaves_its_place_in_a_filter",
            "r33_a_common_name_never_leaves_its_place_in_a_dn",
            "r33_a_million_names_come_back_out_of_a_filter",
            "r33_filters_and_names_are_built_in_one_place",
        ],
        figure: "1 000 000 random names read back as they went in; 0 filters or names put \
                 together outside of the one module",
        missing: "",
    },
    Requirement {
        number: 34,
        weight: Must,
        what: "The directory is verified, and never spoken to in the clear",
        tests: &[
            "r34_an_unknown_ca_is_refused",
            "r34_another_host_name_is_refused",
            "r34_plain_text_is_refused",
            "r34_an_expired_certificate_is_refused",
        ],
        figure: "3 wrong servers, 3 refused, on real domain controllers; an expired certificate \
                 by TLS 1.2 and 1.3",
        missing: "",
    },
];
