use super::*;

#[test]
fn a_text_becomes_a_list_of_entries() {
    let text = "O:BAD:P(A;OICI;FA;;;SY)(D;;FR;;;WD)(A;OICIIO;FA;;;CO)";
    let descriptor = Descriptor::parse(text).unwrap();
    assert_eq!(descriptor.owner().unwrap(), "S-1-5-32-544");
    let entries = descriptor.entries().unwrap().unwrap();
    let found: Vec<_> = entries
        .iter()
        .map(|one| (one.verdict, one.sid.as_str(), one.mask, one.for_children))
        .collect();
    let (all, read) = (0x001f_01ff, 0x0012_0089);
    assert_eq!(
        found,
        [
            (Verdict::Allowed, "S-1-5-18", all, false),
            (Verdict::Denied, "S-1-1-0", read, false),
            (Verdict::Allowed, "S-1-3-0", all, true)
        ]
    );
}

#[test]
fn what_is_no_text_of_the_kind_is_an_error() {
    assert!(Descriptor::parse("(A;;FA;;;SY").is_err());
    assert!(Descriptor::parse("D:(A;;FA;;;\0SY)").is_err());
}

#[test]
fn accounts_have_sids() {
    assert_eq!(sid_of("S-1-5-20").unwrap(), "S-1-5-20");
    assert_eq!(sid_of(r"NT AUTHORITY\SYSTEM").unwrap(), "S-1-5-18");
    assert!(sid_of(r"NOWHERE\nobody-at-all").is_err());
    assert_eq!(sid_of("S-1-5-020").unwrap(), "S-1-5-20");
    for wrong in ["S-1-x", "S-1-5-", "S-1-5-18)(A;;FR;;;WD", "S-1-5-18 "] {
        assert!(sid_of(wrong).is_err(), "{wrong}");
    }
    assert!(own_sid().unwrap().starts_with("S-1-5-"));
    assert_eq!(name_of("S-1-5-18"), r"NT AUTHORITY\SYSTEM");
    assert_eq!(name_of("S-1-1-0"), "Everyone");
    assert_eq!(name_of("S-1-5-21-1-2-3-4"), "S-1-5-21-1-2-3-4");
}
