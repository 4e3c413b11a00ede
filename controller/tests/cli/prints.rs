//! What is printed: tables for people, the replies as JSON for programs.

use crate::fake::{Ran, World};

#[track_caller]
fn prints(line: &str, expected: &str) {
    let ran = World::new().run(line).exits(0);
    assert_eq!(ran.out, expected, "{line}");
    assert_eq!(ran.err, "", "{line}");
}

#[test]
fn a_change() {
    prints(
        "array delete web --yes",
        "change the sample\nnext: keyroll status\n",
    );
    prints(
        "array delete web --dry-run",
        "would: change the sample\nnext: keyroll status\n",
    );
    let ran = World::new()
        .run("array delete web --yes --output json")
        .exits(0);
    assert_eq!(ran.json()["done"][0], "change the sample");
    assert_eq!(ran.json()["dry_run"], false);
}

#[test]
fn arrays() {
    prints(
        "array list",
        "\
ARRAY  ACCOUNT   KVNO  NODES  LAST ROLL                  ROLL  NEXT
web    svc-web$  300   1/1    2026-08-01 12:00:00+00:00  -     2026-08-01 12:00:00+00:00
warning node2: not seen for 10 min\\u{1b}[2J
    next: keyroll node show web node2
",
    );
    let ran = World::new().run("array show web").exits(0);
    for part in [
        "account       svc-web$ (computer)\n",
        "SPNs          HTTP/web.corp.example\n",
        "policy        gate all, ticket life 10 h 00 min\n",
        "web    node1  in-service  9 ",
        "warning node2: ",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in {}", ran.out);
    }
    let json = World::new().run("array list --output json").exits(0).json();
    assert_eq!(json["arrays"][0]["kvno"], 300);
    assert_eq!(json["arrays"][0]["policy"]["gate"], "all");
    prints(
        "array create web --print-acl",
        "\
# The least rights on CN=svc-web,DC=corp,DC=example

# Windows: dsacls
# to reset the password
dsacls X /G Y

# Samba: samba-tool dsacl
# to reset the password
samba-tool dsacl set X

# To have a computer account made in OU=Arrays,DC=corp,DC=example, instead

# Windows: dsacls
# makes accounts
dsacls C /G Y

# Samba: samba-tool dsacl
# makes accounts
samba-tool dsacl set C
",
    );
}

#[test]
fn nodes() {
    prints(
        "node list web",
        "\
ARRAY  NODE   STATE       KEYSET  LAST SEEN                  REASON
web    node1  in-service  9       2026-08-01 12:00:00+00:00  -
web    node2  in-service  9       2026-08-01 12:00:00+00:00  -
",
    );
    let ran = World::new().run("node show web node1").exits(0);
    for part in [
        "clock         -0.250 s\n",
        "/etc/keyroll/web/krb5.keytab (owned)\n",
        "HTTP/web.corp.example@CORP.EXAMPLE  300   aes256-cts-hmac-sha1-96  right\n",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in {}", ran.out);
    }
    prints(
        "node add web n1",
        "\
change the sample
next: keyroll status
run this on the node, as root or administrator, before 2026-08-01 12:00:00+00:00; it works once:

keyroll-agent join TOKEN
",
    );
}

#[test]
fn rolls() {
    prints(
        "roll status web",
        "\
web roll 12: draining, kvno 300 -> 301, written on dc1.corp.example
the reason of draining

STATE     TIME
planned   120 ms
draining  10 h 30 min

NODE   STATE   REASON
node1  staged  -

DC                ISSUES  KVNO  REASON
dc1.corp.example  new     301   -
",
    );
    let ran = World::new().run("roll history web").exits(0);
    assert!(
        ran.out
            .contains("web    12    aborted  300 -> 301  2026-08-01"),
        "{}",
        ran.out
    );
    prints(
        "roll explain web",
        "2026-08-01 12:00:00+00:00  staging     node1 proved keyset 10.\n",
    );
    prints(
        "roll web --dry-run",
        "would: web: stage a new key on node1\n",
    );
}

#[test]
fn schedules() {
    prints(
        "schedule show web",
        "every = \"30d\"\n\nnext roll: 2026-08-01 12:00:00+00:00\n",
    );
    prints("schedule show web --output toml", "every = \"30d\"\n");
    prints(
        "schedule next web",
        "\
next roll: 2026-08-01 12:00:00+00:00
2026-08-01 12:00:00+00:00
2026-08-02 12:00:00+00:00
",
    );
    prints(
        "schedule next",
        "\
ARRAY  NEXT ROLL                  STATE  ALARM
web    2026-08-01 12:00:00+00:00  set    -
",
    );
}

#[test]
fn delegation() {
    let shown = World::new().run("delegation show web").exits(3);
    assert_eq!(
        shown.out,
        "\
web (svc-web$ on dc1): constrained
may act at: MSSQLSvc/db (of svc-db)
may act at: MSSQLSvc/old (nobody has it)
may act at: MSSQLSvc/two (svc-db and svc-db2 have it, so nobody gets tickets for it)
may act at: svc-back (by its own descriptor)
may act here: svc-front (at HTTP/web)
may act here: S-1-5-21-1-2-3-1104 (by this account's descriptor)
its domain only was looked through: no global catalog answers there

GRADE    CODE            OBJECT       WHAT
warning  target-missing  MSSQLSvc/db  no account has this SPN
target-missing MSSQLSvc/db: delegation to it fails
  safer: register it
"
    );
    prints(
        "delegation test web --user alice --to MSSQLSvc/db",
        "\
ok: svc-web$ logs in: a ticket
ok, it can act for alice there, by dc1
",
    );
    let refused = "delegation test web --user mallory --to MSSQLSvc/db";
    let told = World::new().run(refused).exits(1);
    assert_eq!(
        told.out,
        "\
no: svc-web$ logs in: a ticket
  next: keyroll verify web
it cannot act for mallory there, by dc1
"
    );
}

#[test]
fn the_rest() {
    prints(
        "verify web",
        "\
GRADE  OBJECT  WHAT                    EVIDENCE
ok     node1   accepts a fresh ticket  kvno 300
ok, all of it
",
    );
    prints(
        "audit show",
        "\
NUMBER  AT                         WHO   VERB  OBJECT  OUTCOME  DETAIL
7       2026-08-01 12:00:00+00:00  anna  roll  web     done     -
",
    );
    prints(
        "audit verify",
        "ok, 7 entries, unbroken; head c0ffee\n\
         2 checkpoints, the newest at entry 6, signed by beef\n\
         entries 7-7 are not covered by a signature\n",
    );
    prints(
        "approval list",
        "\
NUMBER  STATE    VERB  ARRAYS  ASKED BY  UNTIL                      ANSWERED BY  DETAIL
7       waiting  roll  web     olaf      2026-08-01 12:00:00+00:00  -            emergency: stolen
",
    );
    prints(
        "operator list",
        "\
OPERATOR  ROLE   ARRAYS  CERTIFICATE ENDS           SERIAL  STATE
anna      admin  all     2026-08-01 12:00:00+00:00  0a      valid
",
    );
    let ran = World::new().run("status").exits(0);
    assert!(
        ran.out.starts_with("controller 0.1.0, up since 2026-08-01"),
        "{}",
        ran.out
    );
    let json = World::new().run("status -o json").exits(0).json();
    assert_eq!(json["alarms"][0]["object"], "node2");
}

#[test]
fn what_is_wrong_and_what_mends_it() {
    let world = World::new();
    world.fake.knobs().examined = Some(crate::samples::examined("broken"));
    let ran = world.run("doctor web").exits(1);
    assert_eq!(
        ran.out,
        "\
GRADE   CHECK         OBJECT  EVIDENCE
broken  key-keytabs   node1   kvno 300
ok      node-contact  node1   kvno 300

broken key-keytabs: node1
  it was restored
  mend: keyroll node show web node1

2 findings: 1 broken, 0 warnings, 0 unknown, 1 ok
"
    );
    world.run("doctor web --node node1 --output json").exits(1);
    assert!(world.last_asked().contains("node: \"node1\""));
}

#[test]
fn a_client_without_a_ticket_says_so_and_goes_on() {
    let world = World::new();
    let mut reply = crate::samples::examined("ok");
    reply.client = Some(keyroll_proto::operator::ClientTask {
        realm: "CORP.EXAMPLE".into(),
        domain_controllers: vec!["dc.invalid".into()],
        spn: "HTTP/web.invalid".into(),
        ..Default::default()
    });
    world.fake.knobs().examined = Some(reply);
    let mut command = world.command("doctor web --from-client");
    let ran = Ran::from(command.env("KRB5CCNAME", "KCM:").output().unwrap());
    // It depends on this machine's name servers whether they know that there is no such host.
    assert!([1, 3].contains(&ran.exit), "{ran:?}");
    assert!(world.last_asked().contains("from_client: true"));
    assert!(ran.out.contains("unknown  client-ticket"), "{}", ran.out);
    assert!(ran.out.contains("KRB5CCNAME=FILE:"), "{}", ran.out);
    world.fake.knobs().examined = Some(crate::samples::examined("ok"));
    let ran = world.run("doctor web --from-client").exits(65);
    assert!(ran.err.contains("no registered SPN"), "{}", ran.err);
}

#[test]
fn what_an_error_means() {
    prints(
        "explain event 4770",
        "\
Windows event 4770: Ticket renewed (Security)
  A ticket was renewed; no error.
  usually: A client with a renewable ticket: nothing is wrong.
  next: nothing to do
",
    );
    let json = World::new().run("explain 52e -o json").exits(0).json();
    assert_eq!(json["codes"][0]["spelled"], "data 52e");
    assert_eq!(json["codes"][1]["spelled"], "0x0000052e");
    let piped = World::new().run_with_input("explain -", b"error: KRB_AP_ERR_SKEW (37)\n");
    assert!(
        piped
            .exits(0)
            .out
            .starts_with("Kerberos 37 (0x25): KRB_AP_ERR_SKEW\n")
    );
}

#[test]
fn colour_only_where_it_is_wanted() {
    let world = World::new();
    assert!(!world.run("array list").out.contains('\x1b'));
    let painted = world.run("array list --color always").out;
    assert!(
        painted.contains("\x1b[1m\x1b[33mwarning\x1b[0m node2"),
        "{painted:?}"
    );
}

#[test]
fn verbose_says_what_is_done() {
    let ran = World::new().run("status -v").exits(0);
    assert!(ran.err.contains("connecting with ") && ran.err.contains("reading the status"));
}
