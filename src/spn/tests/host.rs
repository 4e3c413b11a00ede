//! What DNS says of hosts, and what is to be typed.

use super::*;

#[test]
fn records_are_made_by_commands_that_name_server_zone_and_host() {
    let spn: Spn = "HTTP/web.Corp.Example:8080".parse().unwrap();
    let next = |found: &HostRecords, zone: &Zone<'_>| {
        let mut faults = host_faults("web", &spn, &[], found, zone).into_iter();
        faults.next().map(|fault| fault.next).unwrap_or_default()
    };
    let nowhere = HostRecords::default();
    let node = Zone {
        address: Some([10, 0, 0, 7].into()),
        ..ZONE
    };
    let at = "samba-tool dns add dc1.corp.example corp.example web A";
    assert!(next(&nowhere, &node).starts_with(&format!("{at} 10.0.0.7 (or dnscmd")));
    assert!(next(&nowhere, &ZONE).starts_with(&format!("{at} ADDRESS (ADDRESS of the bal")));
    let alias = HostRecords {
        addresses: vec![[10, 0, 0, 9].into()],
        alias_of: Some("lb.corp.example".to_owned()),
        ..HostRecords::default()
    };
    let made = next(&alias, &ZONE);
    let delete = "samba-tool dns delete dc1.corp.example corp.example web CNAME lb.corp.example (";
    assert!(made.starts_with(delete), "{made}");
    assert!(made.contains(&format!("), then {at} 10.0.0.9 (")), "{made}");
    let two = HostRecords {
        addresses: vec![[10, 0, 0, 9].into(), [10, 0, 0, 10].into()],
        ..alias.clone()
    };
    let made = next(&two, &ZONE);
    for address in ["10.0.0.9", "10.0.0.10"] {
        let add = format!("), then {at} {address} (");
        assert!(made.contains(&add), "{made}");
    }
    // The domain's servers have no say in another's zone, and nobody knows another server.
    for server in ["dc1.other.example", "dc1.corp", "", "dc1.xweb.corp.example"] {
        let elsewhere = Zone { server, ..ZONE };
        assert_eq!(
            next(&nowhere, &elsewhere),
            "make an A record for web.Corp.Example"
        );
        assert!(next(&alias, &elsewhere).starts_with("keyroll spn add web HTTP/lb."));
    }
}

#[test]
fn a_machine_s_own_name_in_reverse_is_left_as_it_is() {
    let spn: Spn = "HTTP/web.corp.example".parse().unwrap();
    let nodes = ["n1.corp.example".parse().unwrap(), "n2".parse().unwrap()];
    let zone = Zone {
        nodes: &nodes,
        ..ZONE
    };
    let next = |back: &[&str], zone: &Zone<'_>| {
        let found = HostRecords {
            addresses: vec![[10, 0, 0, 9].into()],
            back: back.iter().map(|&name| name.to_owned()).collect(),
            ..HostRecords::default()
        };
        host_faults("web", &spn, &[], &found, zone)[0].next.clone()
    };
    let right = "rdns = false in section libdefaults of /etc/krb5.conf at the clients";
    let made = |other: &str| {
        format!(
            "samba-tool dns delete dc1.corp.example 0.0.10.in-addr.arpa 9 PTR {other} (or dnscmd \
             dc1.corp.example /RecordDelete with the rest; 0.0.10.in-addr.arpa, or the reverse \
             zone that there is), then samba-tool dns add dc1.corp.example 0.0.10.in-addr.arpa 9 \
             PTR web.corp.example (or {right})"
        )
    };
    for back in ["N1.corp.example", "n2.corp.example"] {
        assert_eq!(next(&[back], &zone), right);
        assert_eq!(next(&[back], &ZONE), made(back));
    }
    assert_eq!(next(&["lb.corp.example"], &zone), made("lb.corp.example"));
    assert_eq!(next(&["n3.corp.example", "n4.corp.example"], &ZONE), right);
}

#[test]
fn names_in_reverse_that_nobody_told_are_no_fault() {
    let spn: Spn = "HTTP/web.corp.example".parse().unwrap();
    let found = HostRecords {
        addresses: vec![[10, 0, 0, 9].into()],
        back_unseen: Some("DNS did not answer".to_owned()),
        ..HostRecords::default()
    };
    let faults = host_faults("web", &spn, &[], &found, &ZONE);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].grade, HostGrade::Notice);
    assert!(faults[0].leads_to.starts_with("DNS did not answer: "));
}
