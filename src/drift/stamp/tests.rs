use proptest::prelude::*;

use super::*;

/// What Samba 4.17 shows of an account that was made on dc1 and whose password was set on dc2, cut
/// to three of its stamps: objectClass, unicodePwd, servicePrincipalName.
const SEEN: &str = "\
    010000000000000003000000000000000000000001000000bcdd112103000000fcf4f5971f3b12459d2cbbe2bd\
    e5a0740e100000000000000e100000000000005a00090002000000bedd112103000000931fb72022fc0d468d6d\
    718912b41427250f00000000000010100000000000000303090001000000bcdd112103000000fcf4f5971f3b12\
    459d2cbbe2bde5a0740e100000000000000e10000000000000";

fn seen() -> Vec<u8> {
    hex::decode(SEEN).unwrap()
}

#[test]
fn a_directory_s_stamps_are_read() {
    let stamps = parse(&seen()).unwrap();
    assert_eq!(stamps.len(), 2, "{stamps:?}");
    let password = stamps[&Attribute::Password];
    // 2026-11-21 07:48:14 UTC, as samba-tool shows it.
    assert_eq!((password.version, password.at_unix), (2, 1_795_247_294));
    assert_eq!(
        password.invocation.to_string(),
        "20b71f93-fc22-460d-8d6d-718912b41427"
    );
    assert_ne!(stamps[&Attribute::Spns].invocation, password.invocation);
}

#[test]
fn an_origin_names_the_domain_controller_or_says_that_it_is_gone() {
    let mut history = History {
        stamps: parse(&seen()).unwrap(),
        dcs: BTreeMap::new(),
    };
    let said = history.origin(Attribute::Password).unwrap().to_string();
    assert_eq!(
        said,
        "on a domain controller that is gone or was restored since (invocation id \
         20b71f93-fc22-460d-8d6d-718912b41427) at 2026-11-21 07:48:14 UTC (change 2 of unicodePwd; \
         event 4723 or 4724 in its security log tells by whom)"
    );
    let invocation = history.stamps[&Attribute::Password].invocation;
    let dc: DcName = "dc2.corp.example".parse().unwrap();
    history.dcs.insert(invocation, dc);
    let said = history.origin(Attribute::Password).unwrap().to_string();
    assert!(said.starts_with("on dc2.corp.example at "), "{said}");
    assert_eq!(history.origin(Attribute::Enctypes), None);
}

#[test]
fn what_is_not_whole_is_no_stamps() {
    let good = seen();
    for (at, byte) in [(0, 2), (8, 2), (8, 4), (11, 1)] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert!(parse(&bad).is_err(), "{byte} at {at}");
    }
    // The second stamp named as the third one is.
    let mut twice = good.clone();
    twice[16 + 48] = 0x03;
    twice[16 + 49] = 0x03;
    assert!(parse(&twice).is_err());
    assert!(parse(&good[..good.len() - 1]).is_err());
    assert!(parse(&[]).is_err());
    // No stamp at all is a whole answer.
    let none = [&good[..8], &[0; 8]].concat();
    assert!(parse(&none).unwrap().is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_stamp_can_be_told(seconds: u64, version: u32) {
        let mut bytes = seen();
        let at = 16 + 48;
        bytes[at + 4..at + 8].copy_from_slice(&version.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&seconds.to_le_bytes());
        let Ok(stamps) = parse(&bytes) else {
            return Ok(());
        };
        let history = History { stamps, dcs: BTreeMap::new() };
        let said = history.origin(Attribute::Password).unwrap().to_string();
        let change = format!("change {version} of unicodePwd");
        prop_assert!(said.contains(&change));
    }
}

#[test]
fn an_invocation_is_shown_to_developers_as_to_administrators() {
    let invocation = Invocation(*b"0123456789abcdef");
    assert_eq!(
        invocation.to_string(),
        "33323130-3534-3736-3839-616263646566"
    );
    assert_eq!(format!("{invocation:?}"), invocation.to_string());
}
