use super::*;

const SERVICE: &str = "S-1-5-80-1-2-3-4-5";
const OWN: &str = "S-1-5-80-9-9-9-9-9";
const USER: &str = "S-1-5-21-1-2-3-1105";

fn list(text: &str) -> Descriptor {
    Descriptor::parse(text).unwrap()
}

fn entries(text: &str) -> Vec<Entry> {
    list(text).entries().unwrap().unwrap()
}

fn readers(sids: &[&str]) -> Access {
    let readers = sids.iter().map(ToString::to_string).collect();
    Access {
        readers: Some(readers),
    }
}

/// Each list of a file that is replaced: what becomes of it, and who is told to have lost.
#[test]
fn a_list_is_carried_over_as_far_as_it_lets_single_accounts_read() {
    let ours = format!("(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{OWN})");
    let reads = format!("(A;;0x120089;;;{SERVICE})");
    let domain = |rid: u32| format!("S-1-5-21-7-8-9-{rid}");
    let [users, guests, computers, one] = [513, 514, 515, 5130].map(domain);
    for owner in ["SY", "BA", OWN] {
        for (old, kept, cut) in [
            (format!("(A;;FA;;;SY){reads}"), reads.clone(), vec![]),
            // An account that happens to end alike is an account.
            (
                format!("(A;;FR;;;{one})"),
                format!("(A;;0x120089;;;{one})"),
                vec![],
            ),
            (
                format!("{reads}(A;;FR;;;WD)"),
                reads.clone(),
                vec!["Everyone"],
            ),
            (
                format!("(A;;FA;;;{SERVICE})"),
                "(A;;0x1200a9;;;SERVICE)".replace("SERVICE", SERVICE),
                vec![SERVICE],
            ),
            (
                format!("(A;;0x6;;;{SERVICE})"),
                String::new(),
                vec![SERVICE],
            ),
            (format!("(A;;FR;;;{users})"), String::new(), vec![&users]),
            (format!("(A;;FR;;;{guests})"), String::new(), vec![&guests]),
            (
                format!("(A;;FR;;;{computers})"),
                String::new(),
                vec![&computers],
            ),
            // For files made in a folder, which this is not.
            ("(A;OICIIO;FA;;;WD)".to_owned(), String::new(), vec![]),
        ] {
            let new = carried(&list(&format!("O:{owner}D:P{old}")), OWN, Some(OWN)).unwrap();
            let found = new.list.entries().unwrap().unwrap();
            assert_eq!(found, entries(&format!("D:P{ours}{kept}")), "{old}");
            assert_eq!(new.cut, cut, "{old}");
            // What was made fits, and is carried over as it is.
            assert!(fits(&found, &Access::default(), OWN), "{old}");
        }
    }
    for anybody in [
        "WD",
        "AN",
        "AU",
        "IU",
        "NU",
        "SU",
        "BU",
        "BG",
        "RU",
        "S-1-5-80-0",
        "S-1-5-32-568",
        "S-1-5-1000",
        "S-1-18-1",
        "S-1-18-2",
    ] {
        let old = list(&format!("O:SYD:(A;;FR;;;{anybody})(A;;FR;;;{SERVICE})"));
        let new = carried(&old, OWN, Some(OWN)).unwrap();
        assert_eq!(new.cut.len(), 1, "{anybody}");
        let found = new.list.entries().unwrap().unwrap();
        assert_eq!(found, entries(&format!("D:P{ours}{reads}")), "{anybody}");
    }
    let refused = format!("O:SYD:P(D;;FR;;;{USER})(A;;FA;;;SY){reads}");
    let new = carried(&list(&refused), OWN, Some(OWN)).unwrap().list;
    let kept = format!("D:P(D;;FR;;;{USER}){ours}{reads}");
    assert_eq!(new.entries().unwrap().unwrap(), entries(&kept));
    let none = carried(&list("O:SY"), OWN, Some(OWN)).unwrap();
    assert_eq!(none.cut, ["everybody"]);
    assert_eq!(
        none.list.entries().unwrap().unwrap(),
        entries(&format!("D:P{ours}"))
    );
    // Whose it is may have chosen who reads it.
    for owner in [USER, SERVICE, "BU"] {
        let planted = list(&format!("O:{owner}D:P(A;;FA;;;SY){reads}"));
        let why = carried(&planted, OWN, None).unwrap_err().to_string();
        assert!(
            why.contains("belongs to") && why.contains("readers"),
            "{why}"
        );
    }
}

#[test]
fn those_who_may_read_are_those_who_were_named_and_nobody_else_writes() {
    let list = format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{OWN})");
    let with_service = format!("{list}(A;;FR;;;{SERVICE})");
    for (list, access, fitting) in [
        (&list, Access::PRIVATE, true),
        (&with_service, Access::PRIVATE, false),
        (&with_service, readers(&[SERVICE]), true),
        (&list, readers(&[SERVICE]), false),
        (
            &format!("{list}(A;;0x1200a9;;;{SERVICE})"),
            readers(&[SERVICE]),
            true,
        ),
        (
            &format!("{list}(A;;FA;;;{SERVICE})"),
            readers(&[SERVICE]),
            false,
        ),
        (
            &format!("{list}(A;;FW;;;{SERVICE})"),
            readers(&[SERVICE]),
            false,
        ),
        // Its name alone gives it nothing.
        (
            &format!("{list}(A;;RC;;;{SERVICE})"),
            readers(&[SERVICE]),
            false,
        ),
        (
            &format!("{list}(A;IO;FR;;;{SERVICE})"),
            readers(&[SERVICE]),
            false,
        ),
        (
            &with_service.replace("D:P", &format!("D:P(D;;FR;;;{SERVICE})")),
            readers(&[SERVICE]),
            false,
        ),
        (
            &with_service.replace("D:P", &format!("D:P(D;;FW;;;{SERVICE})")),
            readers(&[SERVICE]),
            true,
        ),
        (&list, readers(&["S-1-5-18"]), true),
        (&with_service, Access::default(), true),
        (
            &format!("{list}(A;;FA;;;{SERVICE})"),
            Access::default(),
            false,
        ),
        (&format!("{list}(A;;FR;;;AU)"), Access::default(), false),
        (
            &format!("{list}(A;;FR;;;{ALL_POOLS})"),
            Access::default(),
            false,
        ),
        // Whoever names it means every pool.
        (
            &format!("{list}(A;;FR;;;{ALL_POOLS})"),
            readers(&[ALL_POOLS]),
            true,
        ),
        (
            &format!("{list}(A;;FR;;;S-1-5-21-1-2-3-513)"),
            Access::default(),
            false,
        ),
        (&format!("{list}(D;;FR;;;AU)"), Access::default(), true),
    ] {
        assert_eq!(
            fits(&entries(list), &access, OWN),
            fitting,
            "{list} {access:?}"
        );
    }
}

/// Lists as Windows makes them: who could change the thing, or put another in its place.
#[test]
fn what_others_may_change_is_told() {
    let program_files = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464\
        D:PAI(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)\
        (A;CIIO;GA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)\
        (A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)\
        (A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)";
    // A folder below ProgramData, as anybody makes it: its maker's for ever.
    let planted = format!("O:{USER}D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)");
    // The same made by an administrator: others may put things into it.
    let by_administrator = "O:BAD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)\
        (A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)";
    let drive = "O:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;AU)(A;;0x1200a9;;;BU)";
    let told = |text: &str, rights, is_root| complaint(&list(text), OWN, rights, is_root).unwrap();
    for (text, obeyed, on_the_way) in [
        (program_files, None, None),
        ("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)", None, None),
        ("O:BAD:P(A;;FA;;;SY)(A;;FA;;;OW)", None, None),
        (&planted, Some("belongs to"), Some("belongs to")),
        (by_administrator, Some("Users"), None),
        (
            drive,
            Some("Authenticated Users"),
            Some("Authenticated Users"),
        ),
        (
            "O:BAD:P(A;;WD;;;IU)",
            Some("INTERACTIVE"),
            Some("INTERACTIVE"),
        ),
        (
            "O:BAD:P(A;;WO;;;IU)",
            Some("INTERACTIVE"),
            Some("INTERACTIVE"),
        ),
        ("O:BAD:P(A;;0x2;;;IU)", Some("INTERACTIVE"), None),
        ("O:BAD:P(A;;0x100;;;IU)", Some("INTERACTIVE"), None),
        (
            "O:BAD:P(A;;0x40;;;IU)",
            Some("INTERACTIVE"),
            Some("INTERACTIVE"),
        ),
        ("O:BAD:P(D;;FA;;;IU)", None, None),
        ("O:BAD:P(A;;FR;;;WD)", None, None),
        ("O:BA", Some("no access list"), Some("no access list")),
    ] {
        for (rights, expected) in [(CHANGE, obeyed), (DISPLACE, on_the_way)] {
            let told = told(text, rights, false);
            let as_expected = match (&told, expected) {
                (None, None) => true,
                (Some(told), Some(expected)) => told.contains(expected),
                _ => false,
            };
            assert!(as_expected, "{text} {rights:#x}: {told:?}");
        }
    }
    assert_eq!(told(drive, DISPLACE, true), None, "nobody deletes a drive");
}

/// What an administrator makes at a command line is what the service, which is SYSTEM, obeys.
#[test]
fn what_an_administrator_made_has_no_entry_of_his_own() {
    const ANNA: &str = "S-1-5-21-1-2-3-1104";
    for flags in ["", "OICI"] {
        let made = list(&private(None, flags));
        assert_eq!(complaint(&made, SYSTEM, CHANGE, false).unwrap(), None);
        let named = list(&format!("O:BA{}", private(Some(ANNA), flags)));
        assert!(complaint(&named, SYSTEM, CHANGE, false).unwrap().is_some());
        assert_eq!(complaint(&named, ANNA, CHANGE, false).unwrap(), None);
    }
    // Her entry goes when she takes a file over.
    let hers = list(&format!("O:{ANNA}D:(A;;FA;;;{ANNA})(A;;FA;;;SY)"));
    let taken = carried(&hers, ANNA, None).unwrap();
    let entries = taken.list.entries().unwrap().unwrap();
    assert!(entries.iter().all(|entry| entry.sid != ANNA), "{entries:?}");
}
