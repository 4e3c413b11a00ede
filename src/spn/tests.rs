mod host;

use proptest::prelude::*;

use super::*;

#[test]
fn well_formed_names_are_taken_apart() {
    for (text, class, host) in [
        ("HTTP/web", "HTTP", "web"),
        ("http/Web.corp.example:8443", "http", "Web.corp.example"),
        (
            "MSSQLSvc/sql1.corp.example:INST$1",
            "MSSQLSvc",
            "sql1.corp.example",
        ),
        (
            "ldap/dc1.corp.example/corp.example",
            "ldap",
            "dc1.corp.example",
        ),
        ("HTTP/web_1.corp.example", "HTTP", "web_1.corp.example"),
    ] {
        let spn: Spn = text.parse().unwrap();
        assert_eq!((spn.class(), spn.host()), (class, host));
        assert_eq!(spn.to_string(), text);
        assert!(spn.is_same(&text.to_uppercase()) && !spn.is_same("HTTP/other"));
    }
    let rooted: Spn = "HTTP/web.corp.example.".parse().unwrap();
    assert_eq!(rooted.to_string(), "HTTP/web.corp.example");
}

#[test]
fn what_is_wrong_is_said_of_its_part() {
    for (text, part, why) in [
        ("", Part::Host, "missing"),
        ("HTTP", Part::Host, "no '/'"),
        ("/web", Part::Class, "empty"),
        ("HTTP/", Part::Host, "empty"),
        ("HTTP/.", Part::Host, "empty"),
        ("HTTP/a..b", Part::Host, "no host name"),
        ("HTTP/-a", Part::Host, "no host name"),
        ("HTTP/*.corp.example", Part::Host, "'*'"),
        ("HTTP://web", Part::Class, "':'"),
        ("HTTP/web@CORP.EXAMPLE", Part::Host, "'@'"),
        ("HTTP/web:", Part::Port, "empty"),
        ("HTTP/web:0", Part::Port, "between 1 and 65535"),
        ("HTTP/web:65536", Part::Port, "between 1 and 65535"),
        ("HTTP/web:1:2", Part::Port, "':'"),
        ("HTTP/web/", Part::Name, "empty"),
        ("HTTP/web/a/b", Part::Name, "third '/'"),
        ("HTTP/we b", Part::Whole, "U+0020, which is a blank"),
        (
            "HTTP/web\u{200b}",
            Part::Whole,
            "U+200B, which is invisible",
        ),
        (
            "HTTP/w\u{0435}b",
            Part::Whole,
            "U+0435, which is no ASCII character",
        ),
        ("HTTP/web\n", Part::Whole, "U+000A"),
    ] {
        let error = text.parse::<Spn>().unwrap_err();
        assert_eq!(error.part, part, "{text:?}: {error}");
        assert!(error.why.contains(why), "{text:?}: {error}");
    }
    assert!(format!("HTTP/{}", "a".repeat(300)).parse::<Spn>().is_err());
}

#[test]
fn names_that_pass_for_each_other_are_told_apart_by_how() {
    for (one, other, likeness) in [
        ("HTTP/web", "HTTP/web", Some(Likeness::Exact)),
        ("HTTP/web", "http/WEB", Some(Likeness::Case)),
        ("HTTP/web", "HTTP/we\u{200b}b", Some(Likeness::Hidden)),
        ("HTTP/web", "HTTP/w\u{ff45}b", Some(Likeness::Hidden)),
        ("HTTP/web", "HTTP/we\u{ad}B", Some(Likeness::Hidden)),
        ("HTTP/web", "HTTP/w\u{e9}b", Some(Likeness::Hidden)),
        ("HTTP/web", "HTTP/we\u{301}b", Some(Likeness::Hidden)),
        // A Cyrillic е.
        ("HTTP/web", "HTTP/w\u{0435}b", Some(Likeness::LooksAlike)),
        ("HTTP/web", "H\u{0422}TP/web", Some(Likeness::LooksAlike)),
        // Alike to the eye, and two names of plain letters.
        ("HTTP/web1", "HTTP/webl", None),
        ("HTTP/web", "HTTP/web2", None),
    ] {
        assert_eq!(Likeness::of(one, other), likeness, "{one:?} {other:?}");
        assert_eq!(Likeness::of(other, one), likeness, "{other:?} {one:?}");
    }
}

fn holder(spn: &str, owner: &str) -> Holder {
    Holder {
        spn: spn.to_owned(),
        owner: owner.to_owned(),
    }
}

#[test]
fn a_name_with_two_owners_is_found_however_it_is_spelled() {
    let found = duplicates([
        holder("HTTP/exact", "a"),
        holder("HTTP/exact", "b"),
        holder("HTTP/case", "a"),
        holder("http/CASE", "b"),
        holder("HTTP/hidden", "a"),
        holder("HTTP/hid\u{200d}den", "b"),
        holder("HTTP/scope", "a"),
        holder("HTTP/\u{0455}\u{0441}\u{043e}\u{0440}\u{0435}", "b"),
        // One owner twice, and plain letters that resemble each other.
        holder("HTTP/own", "a"),
        holder("http/own", "a"),
        holder("HTTP/web1", "a"),
        holder("HTTP/webl", "b"),
        holder("HTTP/capital", "a"),
        holder("H\u{0422}TP/capital", "b"),
        holder("HTTP/alone", "c"),
    ]);
    let mut found: Vec<(Likeness, usize)> = found
        .iter()
        .map(|one| (one.likeness, one.holders.len()))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            (Likeness::Exact, 2),
            (Likeness::Case, 2),
            (Likeness::Hidden, 2),
            (Likeness::LooksAlike, 2),
            (Likeness::LooksAlike, 2),
        ]
    );
}

#[test]
fn each_forest_may_have_an_owner_of_its_own() {
    let [double] = duplicates([
        holder("HOST/dc1", "CN=DC1,DC=corp"),
        holder("HOST/dc1", "CN=DC1,DC=other"),
        holder("host/dc1", "CN=ODD,DC=other"),
    ])
    .try_into()
    .unwrap();
    let forest = |one: &Holder| one.owner.rsplit_once(',').map(|(_, of)| of.to_owned());
    let owners = |double: Duplicate| -> Vec<Vec<String>> {
        let within = double.within(forest);
        let owner = |one: Holder| one.owner;
        within
            .map(|one| one.holders.into_iter().map(owner).collect())
            .collect()
    };
    assert_eq!(
        owners(double.clone()),
        [["CN=DC1,DC=other", "CN=ODD,DC=other"]]
    );
    let apart = double.holders.into_iter().take(2).collect();
    let apart = Duplicate {
        likeness: Likeness::Exact,
        holders: apart,
    };
    assert!(owners(apart).is_empty());
}

#[test]
fn a_name_that_another_accounts_host_answered_for_is_a_clash_of_its_own() {
    let clashes = alias_clashes(
        [
            holder("HOST/web", "computer"),
            holder("http/WEB", "service"),
            // Its own, and one that nobody answers for.
            holder("cifs/web", "computer"),
            holder("MSSQLSvc/web", "service"),
            holder("HOST/other", "computer"),
            holder("HTTP/other", "computer"),
            // HOST of nobody, and another port.
            holder("HTTP/alone", "service"),
            holder("HTTP/other:8443", "service"),
            holder("odd", "service"),
        ],
        &Aliases::default(),
    );
    let expected = Duplicate {
        likeness: Likeness::HostAlias,
        holders: vec![
            holder("HOST/web", "computer"),
            holder("http/WEB", "service"),
        ],
    };
    assert_eq!(clashes, [expected]);
}

#[test]
fn whoever_has_a_name_or_what_looks_like_it_is_in_its_way() {
    let others = [
        holder("HTTP/web", "other"),
        holder("http/WEB", "same"),
        holder("HTTP/w\u{435}b", "forger"),
        holder("HTTP/web2", "neighbour"),
    ];
    let wanted: Spn = "HTTP/web".parse().unwrap();
    let found: Vec<&str> = rivals(&wanted, &others)
        .into_iter()
        .map(|(_, holder)| holder.owner.as_str())
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.contains(&"neighbour"), "{found:?}");
    assert!(rivals(&wanted, &others[3..]).is_empty());
}

#[test]
fn a_name_of_no_use_is_doubted() {
    for (spn, words) in [
        ("HTTP/10.99.0.40", "is an address"),
        ("HTTP/localhost", "each machine itself"),
        ("http/web:abc", "no instances"),
        ("HOST/web", "HTTP/web"),
    ] {
        let found = doubts(&spn.parse().unwrap());
        assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
    }
    for spn in [
        "HTTP/web.corp.example:8443",
        "MSSQLSvc/sql:named",
        "HTTP/web",
    ] {
        assert!(doubts(&spn.parse().unwrap()).is_empty(), "{spn}");
    }
    let address: Spn = "HTTP/10.99.0.40".parse().unwrap();
    let faults = host_faults("web", &address, &[], &HostRecords::default(), &ZONE);
    assert!(
        faults.iter().all(|fault| fault.next.is_empty()),
        "{faults:?}"
    );
}

#[test]
fn host_answers_for_what_the_directory_says() {
    let aliases = Aliases::default();
    assert_eq!(aliases.answers_for("HTTP"), Some("host"));
    assert_eq!(aliases.answers_for("MSSQLSvc"), None);
    let others = |spn: &str| -> Vec<String> {
        let others = aliases.others(&spn.parse().unwrap());
        others.iter().map(ToString::to_string).collect()
    };
    assert_eq!(others("HTTP/web:8080"), ["HOST/web:8080"]);
    assert!(others("HOST/web").contains(&"http/web".to_owned()));
    assert!(others("MSSQLSvc/sql").is_empty());
    // What the directory has counts, and not what we know.
    let aliases = Aliases::parse(["host=mssqlsvc, x", "odd"]);
    assert_eq!(aliases.answers_for("mssqlsvc"), Some("host"));
    assert_eq!(aliases.answers_for("http"), None);
    assert_eq!(aliases.answered_by("HOST"), ["mssqlsvc", "x"]);
}

#[test]
fn the_table_has_each_name_once() {
    let names = Names {
        classes: vec!["HTTP".into(), "http".into()],
        hosts: vec!["web.corp.example".into(), "web".into()],
        ports: vec![8443],
        short: true,
    };
    let all: Vec<String> = table(&names)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        all,
        [
            "HTTP/web.corp.example",
            "HTTP/web.corp.example:8443",
            "HTTP/web",
            "HTTP/web:8443",
        ]
    );
    let bad = Names {
        hosts: vec!["we b".into()],
        ..names
    };
    assert_eq!(table(&bad).unwrap_err().part, Part::Whole);
}

#[test]
fn what_looks_like_two_names_is_told_with_either() {
    let holders = [("HTTP/1", "a"), ("HTTP/l", "b"), ("HTTP/\u{200b}l", "c")];
    let found = duplicates(holders.map(|(spn, owner)| holder(spn, owner)));
    let owners = |set: &Duplicate| set.holders.iter().map(|one| one.owner.clone()).collect();
    let owners: Vec<Vec<String>> = found.iter().map(owners).collect();
    assert_eq!(owners, [["a", "c"], ["b", "c"]]);
}

proptest! {
    #[test]
    fn any_text_is_an_spn_or_explained(text in "\\PC{0,40}") {
        match text.parse::<Spn>() {
            Ok(spn) => {
                prop_assert!(spn.to_string().parse::<Spn>() == Ok(spn.clone()));
                let begin = format!("{}/", spn.class());
                prop_assert!(text.starts_with(&begin));
            }
            Err(error) => prop_assert!(!error.why.is_empty()),
        }
    }

    #[test]
    fn duplicates_are_those_that_pairs_tell(
        words in proptest::collection::vec(("[aеA\u{200b}l1]{1,3}", 0..3_u8), 0..8),
    ) {
        let holders: Vec<Holder> = words
            .iter()
            .map(|(word, owner)| holder(&format!("HTTP/{word}"), &owner.to_string()))
            .collect();
        let found = duplicates(holders.clone());
        let together = |one: &Holder, other: &Holder| {
            found.iter().any(|set| set.holders.contains(one) && set.holders.contains(other))
        };
        for one in &holders {
            for other in holders.iter().filter(|other| other.owner != one.owner) {
                if Likeness::of(&one.spn, &other.spn).is_some_and(|like| like <= Likeness::Hidden) {
                    prop_assert!(together(one, other), "{one:?} {other:?}");
                }
            }
        }
        for set in &found {
            prop_assert!(set.holders.iter().any(|one| one.owner != set.holders[0].owner));
        }
    }
}

#[test]
fn another_host_alone_is_changed() {
    let spn: Spn = "HTTP/web.corp.example:8080/name".parse().unwrap();
    assert_eq!(
        spn.of_host("n1.corp.example").to_string(),
        "HTTP/n1.corp.example:8080/name"
    );
    assert_eq!(
        spn.of_class("WSMAN").to_string(),
        "WSMAN/web.corp.example:8080/name"
    );
}

#[test]
fn the_longest_spn_is_one() {
    let host = |length: usize| "a".repeat(length - "HTTP/".len());
    assert!(format!("HTTP/{}", host(LONGEST)).parse::<Spn>().is_ok());
    let long = format!("HTTP/{}", host(LONGEST + 1))
        .parse::<Spn>()
        .unwrap_err();
    assert_eq!(
        (long.part, long.part.to_string().as_str()),
        (Part::Whole, "it")
    );
    for (text, part) in [
        ("/web", "the service class"),
        ("HTTP/", "the host"),
        ("HTTP/web:x!", "the port"),
        ("HTTP/web:80/a!b", "the service name"),
    ] {
        assert_eq!(
            text.parse::<Spn>().unwrap_err().part.to_string(),
            part,
            "{text}"
        );
    }
}

const ZONE: Zone<'static> = Zone {
    server: "dc1.corp.example",
    address: None,
    nodes: &[],
};
