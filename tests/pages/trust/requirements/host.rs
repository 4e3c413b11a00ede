//! What is demanded of how the programs are built, shipped and run.

use super::Requirement;
use super::Weight::{Must, Should};

/// R40 and above.
pub const HOST: &[Requirement] = &[
    Requirement {
        number: 40,
        weight: Must,
        what: "Licences, sources, bans and advisories; locked builds; SBOM; signed releases",
        tests: &[
            "r40_licences_sources_bans_and_advisories_are_all_checked",
            "r40_every_build_takes_what_the_lock_file_says",
            "r40_a_bill_of_materials_names_every_package_with_its_sum",
            "r40_a_release_is_signed_and_tells_what_it_is_made_of_and_from_what",
            "r40_the_same_parts_make_the_same_archive_and_what_no_bill_lists_makes_none",
        ],
        figure: "`make lint` checks bans, licences and sources (`deny.toml`), `make advisories` \
                 known defects; every build in the Makefile and the scripts is `--locked`; the \
                 bill of materials (`make sbom`, CycloneDX) lacks 0 of the packages that are \
                 built; `make release` makes programs that carry it (`cargo auditable`), \
                 provenance (SLSA) and signed sums: of three changed files 3 found",
        missing: "No advisory database was within reach. Nothing is released yet; the provenance \
                  is signed by whoever releases (SLSA level 1), not by a build service (level 2)",
    },
    Requirement {
        number: 41,
        weight: Should,
        what: "Reproducible: two builders, the same bytes",
        tests: &["r41_two_builders_are_compared_byte_by_byte_and_share_no_path"],
        figure: "",
        missing: "`make reproduce` builds twice, under other paths, users and umasks, and \
                  compares; what it says of all three programs is not written down here yet",
    },
    Requirement {
        number: 42,
        weight: Must,
        what: "`unsafe` is forbidden outside of two small crates at the most",
        tests: &["r42_unsafe_code_is_denied_but_in_one_small_crate"],
        figure: "0 lines but in `agent/windows`, where each block says why it is sound",
        missing: "Miri cannot run the calls of Windows",
    },
    Requirement {
        number: 43,
        weight: Must,
        what: "The units' exposure: controller 1.5, agent 2.0 at the most",
        tests: &["r43_the_sandboxes_are_as_tight_as_promised"],
        figure: "1.2 and 1.8 at the most, by `systemd-analyze security`",
        missing: "",
    },
    Requirement {
        number: 44,
        weight: Must,
        what: "The agent is not root: two capabilities, seccomp, a read-only system",
        tests: &[
            "r44_a_keytab_gets_its_owner_with_the_capabilities_of_the_unit",
            "r44_a_roll_under_the_units_restrictions",
        ],
        figure: "an owner is set with CAP_CHOWN and CAP_FOWNER alone; both units as they are \
                 shipped, on machines with a live systemd: two rolls, a node added, both restarted \
                 in the middle of a roll and killed, a backup and two sinks of the audit written: \
                 0 logins failed, nothing ended by SIGSYS, and what they forbid is forbidden",
        missing: "CAP_DAC_OVERRIDE is a third capability: a file given away is read back \
                  ([0027](decisions/0027-a-third-capability-of-the-agent.md))",
    },
    Requirement {
        number: 45,
        weight: Should,
        what: "An SELinux module",
        tests: &[],
        figure: "",
        missing: "Nothing",
    },
];
