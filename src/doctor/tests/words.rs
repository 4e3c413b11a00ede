//! What is said beside the grade: the evidence, where it comes from, and the command.

use super::places::look;
use super::*;
use crate::account::{AccountState, hidden};
use crate::doctor::Grade::Warning;
use crate::kerberos::Enctype;

#[test]
fn grades_are_words() {
    let words = Grade::ALL.map(|grade| grade.to_string());
    assert_eq!(words, ["ok", "unknown", "warning", "broken"]);
    assert!(Grade::ALL.is_sorted());
}

#[test]
fn a_fault_of_the_account_is_told_with_where_and_when_it_was_written() {
    let disabled = |facts: &mut Facts| {
        for dc in dcs(facts) {
            dc.account.as_mut().unwrap().disabled = true;
            let history = dc.history.as_mut().unwrap();
            history
                .stamps
                .insert(Attribute::Control, stamp(3, NOW - 60));
            let name = "dc2.corp.example".parse().unwrap();
            history.dcs.insert(Invocation([1; 16]), name);
        }
    };
    let words = [
        "it is disabled",
        "on dc2.corp.example at 2026-11-21",
        "samba-tool user enable 'svc-web'",
        ", then keyroll doctor web",
    ];
    says("account-enabled", disabled, &words);
}

#[test]
fn a_domain_controller_that_lacks_a_write_gets_it_from_one_that_has_it() {
    let later = |at: usize, age: i64| {
        move |facts: &mut Facts| {
            dcs(facts).push(dc("dc3.corp.example"));
            let history = dcs(facts)[at].history.as_mut().unwrap();
            history
                .stamps
                .insert(Attribute::Password, stamp(6, NOW - age));
        }
    };
    for (at, words) in [
        (
            0,
            ["dc2.corp.example: ", "dc2.corp.example dc1.corp.example"],
        ),
        (
            1,
            ["dc1.corp.example: ", "dc1.corp.example dc2.corp.example"],
        ),
        (
            2,
            ["dc1.corp.example: ", "dc1.corp.example dc3.corp.example"],
        ),
    ] {
        let [object, both] = words;
        let replicate = format!("samba-tool drs replicate {both} DC=corp,DC=example (or");
        let words = [object, "unicodePwd, 5 s old", "some seconds", &replicate];
        says("replication-account", later(at, 5), &words);
    }
    // Of two that have it, the one that is written to.
    let both = |facts: &mut Facts| {
        later(0, 5)(facts);
        later(1, 5)(facts);
    };
    let words = ["dc3.corp.example: ", "that dc1.corp.example has"];
    says("replication-account", both, &words);
    let seconds = ["some seconds", "if it is still so in three minutes"];
    says("replication-account", later(0, 180), &seconds);
    let hours = ["181 s old", "within a site it does not replicate"];
    says("replication-account", later(0, 181), &hours);
    let sites = 7 * 3600;
    names(
        |facts| {
            later(0, sites)(facts);
            dcs(facts).pop();
        },
        &[("replication-account", Warning)],
    );
    let longer = ["longer than links between sites"];
    says("replication-account", later(0, sites + 1), &longer);
}

#[test]
fn stamps_that_may_not_be_read_are_asked_for_with_all_else_that_is_hidden() {
    let refused = |facts: &mut Facts| {
        dcs(facts)[1].history = Err(answer(UnseenKind::Refused));
        dcs(facts)[0].account.as_mut().unwrap().hidden = vec![hidden::SPNS];
    };
    let stamps = "281416c0-1968-11d0-a28f-00aa003049e2";
    says(
        "replication-account",
        refused,
        &["dc2", "dsacl set", stamps],
    );
    let spns = "f3a64788-5306-11d1-a9c5-0000f80367c1";
    says("spn-registered", refused, &["dsacl set", spns, stamps]);
    let silent = |facts: &mut Facts| {
        refused(facts);
        dcs(facts)[1].history = Err(silent("dc2"));
    };
    let mend = &told("spn-registered", silent)[0].mend;
    assert!(!mend.contains(stamps), "{mend}");
    // Without the names of the rights' holder, in words.
    let unnamed = |facts: &mut Facts| {
        refused(facts);
        facts.rights = Err(answer(UnseenKind::Refused));
    };
    says("spn-registered", unnamed, &["CONTROLLER:RP;servicePrinc"]);
}

#[test]
fn whoever_does_not_answer_is_started_and_whoever_refuses_is_asked_why() {
    use UnseenKind::{Missing, Refused, Silent};
    let start = "systemctl start samba-ad-dc (on dc1.corp.example;";
    for (kind, check, words) in [
        (Silent, "key-tickets", start),
        (Refused, "key-tickets", "keyroll verify web"),
        (Silent, "dc-ldap", start),
        (Missing, "dc-ldap", "drs showrepl dc1.corp.example"),
        (
            Refused,
            "dc-ldap",
            "keyroll status, then keyroll doctor web",
        ),
        (
            Silent,
            "node-contact",
            "systemctl start keyroll-agent (on n1",
        ),
        (Refused, "node-contact", "keyroll-agent check (on n1"),
    ] {
        let spoil = |facts: &mut Facts| {
            facts.nodes[0].look = Err(answer(kind));
            let dc = &mut dcs(facts)[0];
            dc.ticket = Some(Err(answer(kind)));
            dc.account = Err(answer(kind));
        };
        says(check, spoil, &["it did not answer", words]);
    }
}

#[test]
fn a_kvno_is_too_high_or_too_low() {
    for (kvno, words) in [(4, "has not caught up"), (6, "was set once more")] {
        let spoil = |facts: &mut Facts| {
            dcs(facts)[1].account.as_mut().unwrap().kvno = Kvno(kvno);
        };
        let directory = format!("directory {kvno}, tickets 5, nodes 5");
        says("key-kvno", spoil, &["dc2", &directory, words]);
    }
}

#[test]
fn tickets_of_another_kind_are_named() {
    let of = |number| {
        move |facts: &mut Facts| {
            let ticket = dcs(facts)[0].ticket.as_mut().unwrap();
            ticket.as_mut().unwrap().enctype = number;
        }
    };
    let mended = ["net ads enctypes set ", ", then keyroll doctor web"];
    let words = [&["tickets rc4-hmac; keytabs"], &mended[..]].concat();
    says("key-enctype", of(23), &words);
    says("key-enctype", of(99), &["tickets enctype 99; keytabs"]);
    // Where no keytab could be looked at, nothing of the kind is known.
    let foreign = |facts: &mut Facts| {
        of(23)(facts);
        let ticket = dcs(facts)[0].ticket.as_mut().unwrap();
        ticket.as_mut().unwrap().key = TicketKey::Foreign;
        facts.nodes.clear();
    };
    says("key-tickets", foreign, &["open with no key of the array"]);
}

#[test]
fn what_is_done_at_a_node_names_the_node() {
    let drifted = |facts: &mut Facts| look(facts, 1).keytabs[0].drifted = true;
    let again = "keyroll verify web, then keyroll node show web n2.corp.example";
    says("node-keytab-file", drifted, &["n2.corp.example:", again]);
    let local = |facts: &mut Facts| {
        facts.nodes[0].around.own_names[0].address = [127, 0, 1, 1].into();
    };
    let line = r"sed -i -E '/^\s*127\.0\.1\.1\s/s/\sweb\.corp\.example(\s|$)/\1/I' /etc/hosts";
    says("node-loop-back", local, &[line, "(on n1.corp.example)"]);
    let late = |facts: &mut Facts| {
        let ticket = dcs(facts)[0].ticket.as_mut().unwrap();
        ticket.as_mut().unwrap().clock_offset = TimeDelta::seconds(61);
    };
    let step = "chronyc makestep (on dc1.corp.example;";
    says("clock-dc", late, &["+61 s", "rolls are refused", step]);
    let all = |facts: &mut Facts| {
        late(facts);
        facts.nodes.clear();
        let ticket = dcs(facts)[1].ticket.as_mut().unwrap();
        ticket.as_mut().unwrap().clock_offset = TimeDelta::seconds(99);
    };
    let words = ["all 2 others", "+99 s", "makestep (on the controller;"];
    says("clock-controller", all, &words);
}

#[test]
fn a_copy_beside_a_keytab_or_an_open_folder_alone_is_enough() {
    for alone in [true, false] {
        let mut facts = healthy();
        let keytab = &mut look(&mut facts, 0).keytabs[0];
        match alone {
            true => keytab.leftovers = vec!["/etc/keyroll/web.keytab.bak".to_owned()],
            false => keytab.folder_trouble = Some("others may write to it".to_owned()),
        }
        let found = examine(&facts).into_iter();
        let found = found.filter(|one| one.check == "node-leftovers");
        let grades: Vec<Grade> = found.map(|one| one.finding.grade).collect();
        assert_eq!(grades, [Warning, Grade::Ok]);
    }
}

/// Every file that leaves an enctype out is named with all that it needs.
#[test]
fn a_file_that_leaves_an_enctype_out_gets_it_by_its_settings() {
    let out = |facts: &mut Facts| {
        let keytab = &mut look(facts, 0).keytabs[0];
        keytab.enctypes = [Enctype::Aes128CtsHmacSha1].into();
        keytab.left_out = [Enctype::Aes256CtsHmacSha1].into();
    };
    let words = [
        "n1.corp.example:/etc/keyroll/web.keytab",
        "enctypes = [",
        "\"aes128-cts-hmac-sha1-96\"",
        "keyroll verify web",
    ];
    says("key-enctype", out, &words);
}

/// Whose key a ticket is under decides what is to be done.
#[test]
fn a_ticket_under_an_earlier_key_is_told_with_who_holds_that() {
    let under = |key: TicketKey| {
        move |facts: &mut Facts| {
            let ticket = dcs(facts)[1].ticket.as_mut().unwrap();
            ticket.as_mut().unwrap().key = key;
        }
    };
    let issued = "dc2.corp.example: its tickets (kvno 5, aes256-cts-hmac-sha1-96) are under an \
                  earlier key, ";
    let shown = ": samba-tool drs showrepl dc2.corp.example";
    for (key, words) in [
        (
            TicketKey::Held,
            [
                "which the nodes hold too; it was set back",
                "logins go on, and a roll waits",
            ],
        ),
        (
            TicketKey::Earlier,
            [
                "which the nodes do not hold; it was set back",
                "next look has the nodes hold that key too",
            ],
        ),
        (
            TicketKey::Burned,
            [
                "which an emergency roll has replaced; it was set back",
                "the nodes are not given it",
            ],
        ),
    ] {
        let [held, leads_to] = words;
        says("key-tickets", under(key), &[issued, held, leads_to, shown]);
    }
    let emergency = "(or keyroll roll web --emergency)";
    says("key-tickets", under(TicketKey::Burned), &[emergency]);
}

#[test]
fn an_spn_on_its_way_in_is_told_with_what_it_waits_for() {
    const TOO: &str = "HTTP/too.corp.example";
    let pending = |facts: &mut Facts| {
        facts.array.spns.push(TOO.to_owned());
        facts.array.pending.insert(TOO.to_owned());
    };
    let words = [
        TOO,
        "waits until a node holds the key",
        "keyroll node list web",
    ];
    says("spn-registered", pending, &words);
    let prepared = |facts: &mut Facts| {
        facts.array.spns.push(TOO.to_owned());
        facts.array.prepared.insert(TOO.to_owned());
    };
    let words = [
        "is held by the nodes and not registered",
        "refused or never made",
        "keyroll spn add web HTTP/too.corp.example (or keyroll spn remove web HTTP/too",
    ];
    says("spn-registered", prepared, &words);
}

/// A name may have a quotation mark in it, and most accounts of machines a dollar sign.
#[test]
fn commands_take_an_account_whatever_is_in_its_name() {
    let named = |facts: &mut Facts, state: fn(&mut AccountState)| {
        "svc'o$".clone_into(&mut facts.array.account);
        for dc in dcs(facts) {
            let account = dc.account.as_mut().unwrap();
            "svc'o$".clone_into(&mut account.salt_source.sam_account_name);
            state(account);
        }
    };
    let typed = r"'svc'\''o$'";
    for (check, state, command) in [
        (
            "account-enabled",
            (|state| state.disabled = true) as fn(&mut AccountState),
            "samba-tool user enable ",
        ),
        (
            "account-lockout",
            |state| state.locked = true,
            "samba-tool user unlock ",
        ),
        (
            "account-expiry",
            |state| state.expired = true,
            "user setexpiry --noexpiry ",
        ),
        (
            "account-expiry",
            |state| state.expires_unix = Some(NOW + 86_400),
            "user setexpiry --noexpiry ",
        ),
        (
            "account-enctypes",
            |state| state.supported_enctypes = Some(0x1c),
            "net ads enctypes set ",
        ),
        (
            "account-delegable",
            |state| state.protected_user = true,
            "removemembers 'Protected Users' ",
        ),
        (
            "password-expiry",
            |state| state.password_expired = true,
            "user setexpiry --noexpiry ",
        ),
    ] {
        let command = format!("{command}{typed}");
        says(check, |facts| named(facts, state), &[&command]);
    }
}
