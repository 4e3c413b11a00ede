//! Delegation as it is planned, made and taken back: flags, lists and descriptors.

use keyroll::delegation::plan::{Asked, Ground, Way, plan};
use keyroll::delegation::{ACTORS, Control, TARGETS};
use keyroll::descriptor::{Descriptor, Sid};
use keyroll::directory_change::{DirectoryChange, Modification, Standing, Target};
use keyroll::kerberos::salt::AccountKind;
use keyroll::roll::Answer;
use keyroll_controller::directory::ActiveDirectory;
use keyroll_controller::ports::Directory as _;

use crate::lab::{Lab, Made, assert_refused};
use crate::rights::narrow;

const NO_SUCH_VALUE: u32 = 16;
const CONSTRAINT: u32 = 19;
/// ERROR_DS_CONSTRAINT_VIOLATION.
const NOT_TO_BE_MODIFIED: u32 = 8239;

async fn ground(lab: &Lab, made: &Made, level: u32) -> Ground {
    let directory = lab.controller();
    let (own, holding) = directory.holding(&lab.dc1, &made.account).await.unwrap();
    Ground {
        dc: lab.dc1.clone(),
        level,
        array: "web".to_owned(),
        caller: directory.caller(&lab.dc1, &own).await.unwrap(),
        own,
        holding,
    }
}

/// The one change that this takes.
async fn planned(lab: &Lab, made: &Made, asked: &Asked) -> DirectoryChange {
    let mut planned = plan(&ground(lab, made, 5).await, asked).unwrap();
    assert_eq!(planned.changes.len(), 1, "{planned:#?}");
    planned.changes.remove(0)
}

fn transition(on: bool) -> Asked {
    Asked {
        transition: Some(on),
        ..Asked::default()
    }
}

async fn to(lab: &Lab, made: &Made, way: Way) -> Asked {
    let spn = made.service().name();
    Asked {
        to: vec![lab.controller().service(&lab.dc1, &spn).await.unwrap()],
        way: Some(way),
        ..Asked::default()
    }
}

async fn control(lab: &Lab, made: &Made) -> u32 {
    ground(lab, made, 0).await.holding.control.0
}

async fn values(lab: &Lab, change: &DirectoryChange) -> impl Fn(&str) -> Vec<Vec<u8>> {
    let (guid, attributes) = (&change.target.guid, change.attributes());
    let found = lab.controller().values(&change.dc, guid, &attributes).await;
    let found = found.unwrap();
    move |name: &str| found.get(name).cloned().unwrap_or_default()
}

async fn descriptor(lab: &Lab, made: &Made) -> Option<Vec<u8>> {
    ground(lab, made, 0).await.holding.descriptor
}

/// A change whose flags were read before somebody else set another one is refused, and one is taken
/// back without what others have set since.
pub async fn flags_are_swapped_and_none_is_lost(lab: &'static Lab) {
    let administrator = lab.administrator();
    let made = lab.make("flags", AccountKind::Computer).await;
    let before = control(lab, &made).await;
    let on = planned(lab, &made, &transition(true)).await;
    let sensitive = before | Control::NOT_DELEGATED;
    let put = |flags: u32| {
        let change = format!("replace: userAccountControl\nuserAccountControl: {flags}");
        lab.put("dc1", &made, &change);
    };
    put(sensitive);
    let answer = administrator.make_change(&on).await;
    assert_refused(&answer, (NO_SUCH_VALUE, None));
    assert_eq!(control(lab, &made).await, sensitive);

    let on = planned(lab, &made, &transition(true)).await;
    assert_eq!(administrator.make_change(&on).await, Answer::Applied);
    let both = sensitive | Control::PROTOCOL_TRANSITION;
    assert_eq!(control(lab, &made).await, both);
    let never_expires = 0x1_0000;
    put(both | never_expires);
    let present = values(lab, &on).await;
    assert_eq!(on.standing(&present), Standing::Made);
    let back = on.inverse_on(&present);
    assert_eq!(administrator.make_change(&back).await, Answer::Applied);
    assert_eq!(control(lab, &made).await, sensitive | never_expires);
}

pub async fn a_list_is_changed_as_planned_and_taken_back(lab: &'static Lab) {
    let administrator = lab.administrator();
    let (front, back) = (
        lab.make("front", AccountKind::User).await,
        lab.make("back", AccountKind::User).await,
    );
    lab.put(
        "dc1",
        &front,
        "add: msDS-AllowedToDelegateTo\nmsDS-AllowedToDelegateTo: HTTP/kept",
    );
    let asked = to(lab, &back, Way::Constrained).await;
    assert_eq!(asked.to[0].owners.len(), 1);
    let change = planned(lab, &front, &asked).await;
    assert_eq!(change.attributes(), [TARGETS]);
    assert_eq!(administrator.make_change(&change).await, Answer::Applied);
    let mut listed = ground(lab, &front, 0).await.holding.targets;
    listed.sort();
    let mut wanted = vec!["HTTP/kept".to_owned(), back.service().name()];
    wanted.sort();
    assert_eq!(listed, wanted);
    assert_eq!(
        administrator.make_change(&change.inverse()).await,
        Answer::Applied
    );
    assert_eq!(ground(lab, &front, 0).await.holding.targets, ["HTTP/kept"]);
    // What this domain controller is of makes the list the safest way.
    assert_eq!(administrator.functional_level(&lab.dc1).await.unwrap(), 4);
}

/// Whether the schema lets the attribute be written over LDAP, as Windows does and Samba does not.
fn let_descriptors_be_written(lab: &Lab, on: bool) {
    let system_only = if on { "FALSE" } else { "TRUE" };
    let ldif = format!(
        "dn: CN=ms-DS-Allowed-To-Act-On-Behalf-Of-Other-Identity,CN=Schema,CN=Configuration,\
         DC=corp,DC=example\nchangetype: modify\nreplace: systemOnly\nsystemOnly: {system_only}\n"
    );
    let path = lab.folder.join(lab.name("schema"));
    std::fs::write(&path, ldif).unwrap();
    let may = "--option=dsdb:schema update allowed=yes";
    lab.run(&[
        "lab-dc",
        "ldbmodify",
        "dc1",
        may,
        "--relax",
        path.to_str().unwrap(),
    ]);
}

pub async fn a_domain_controller_may_keep_descriptors_to_itself(lab: &'static Lab) {
    let_descriptors_be_written(lab, false);
    let (front, back) = (
        lab.make("front", AccountKind::User).await,
        lab.make("back", AccountKind::User).await,
    );
    let change = planned(lab, &front, &to(lab, &back, Way::ResourceBased).await).await;
    assert_eq!(change.target.account, back.account.principal.name());
    let answer = lab.administrator().make_change(&change).await;
    assert_refused(&answer, (CONSTRAINT, Some(NOT_TO_BE_MODIFIED)));
    let Answer::Refused { text, .. } = answer else {
        unreachable!()
    };
    assert!(
        text.contains(ACTORS) && text.contains("can only be modified as system"),
        "{text}"
    );
    assert_eq!(descriptor(lab, &back).await, None);
    assert_eq!(
        change.standing(values(lab, &change).await),
        Standing::NotMade
    );
}

pub async fn descriptors_come_and_go_byte_for_byte(lab: &'static Lab) {
    let_descriptors_be_written(lab, true);
    let front = lab.make("front", AccountKind::User).await;
    let back = lab.make("back", AccountKind::Computer).await;
    let administrator = lab.administrator();
    let asked = || to(lab, &back, Way::ResourceBased);
    let sid = ground(lab, &front, 0).await.own.sid.unwrap();

    // From nothing to what PowerShell would write, and back to nothing.
    let change = planned(lab, &front, &asked().await).await;
    assert_eq!(administrator.make_change(&change).await, Answer::Applied);
    let alone = Descriptor::of_actors([&sid]).to_bytes();
    assert_eq!(descriptor(lab, &back).await, Some(alone));
    assert_eq!(
        administrator.make_change(&change.inverse()).await,
        Answer::Applied
    );
    assert_eq!(descriptor(lab, &back).await, None);

    // Beside what somebody else has written in a way of their own.
    let old = unusual();
    let put = |from: Option<Vec<u8>>, to: Vec<u8>| {
        let gone = from.map(|bytes| Modification::delete(ACTORS, bytes));
        let come = Modification::add(ACTORS, to);
        write(lab, &back, gone.into_iter().chain([come]).collect())
    };
    put(None, old.clone()).await;
    assert_eq!(descriptor(lab, &back).await.as_ref(), Some(&old));
    let change = planned(lab, &front, &asked().await).await;
    assert_eq!(administrator.make_change(&change).await, Answer::Applied);
    let mut wanted = Descriptor::from_bytes(&old).unwrap();
    assert!(wanted.allow(&sid));
    assert_eq!(descriptor(lab, &back).await, Some(wanted.to_bytes()));
    // The array's own look tells it, too.
    let resources = lab.controller().resources(&lab.dc1, &front.account).await;
    assert_eq!(resources.unwrap(), [back.account.principal.name()]);
    assert_eq!(
        administrator.make_change(&change.inverse()).await,
        Answer::Applied
    );
    assert_eq!(descriptor(lab, &back).await.as_ref(), Some(&old));

    // Planned upon bytes that are not there any more.
    let stale = planned(lab, &front, &asked().await).await;
    let mut newer = Descriptor::from_bytes(&old).unwrap();
    newer.allow(&"S-1-5-21-1-2-3-1199".parse().unwrap());
    put(Some(old), newer.to_bytes()).await;
    let answer = administrator.make_change(&stale).await;
    assert_refused(&answer, (NO_SUCH_VALUE, None));
    assert_eq!(descriptor(lab, &back).await, Some(newer.to_bytes()));
    let_descriptors_be_written(lab, false);
}

async fn write(lab: &Lab, made: &Made, modifications: Vec<Modification>) {
    let change = DirectoryChange {
        dc: lab.dc1.clone(),
        target: Target {
            guid: made.account.guid,
            account: made.account.principal.name(),
            distinguished_name: String::new(),
        },
        modifications,
    };
    assert_eq!(
        lab.administrator().make_change(&change).await,
        Answer::Applied
    );
}

/// A descriptor whose list comes first and whose owner and group come last, with a gap, odd bits
/// and an entry for one extended right: nothing that PowerShell writes, and all of it well-formed.
fn unusual() -> Vec<u8> {
    let other: Sid = "S-1-5-21-1-2-3-1177".parse().unwrap();
    let right = [0x11; 16];
    let entry = [
        &[0, 1, 0, 0][..],
        &1_u32.to_le_bytes(),
        &right,
        other.as_bytes(),
    ]
    .concat();
    let size = u16::try_from(4 + entry.len()).unwrap().to_le_bytes();
    let entry = [&[5, 0, size[0], size[1]][..], &entry].concat();
    let size = u16::try_from(8 + entry.len()).unwrap().to_le_bytes();
    let list = [&[4, 0, size[0], size[1], 1, 0, 0, 0][..], &entry].concat();
    let owner = 20 + list.len() + 4;
    let at = |place: usize| u32::try_from(place).unwrap().to_le_bytes();
    let offsets = [at(owner), at(owner + 16), at(0), at(20)].concat();
    let administrators: Sid = "S-1-5-32-544".parse().unwrap();
    let users: Sid = "S-1-5-32-545".parse().unwrap();
    [
        &[1, 0, 0x04, 0x84][..],
        &offsets,
        &list,
        &[1, 2, 3, 4],
        administrators.as_bytes(),
        users.as_bytes(),
    ]
    .concat()
}

async fn refusal(directory: &ActiveDirectory, change: &DirectoryChange) -> String {
    let answer = directory.make_change(change).await;
    match answer {
        Answer::Refused { code: 50, text, .. } => text,
        other => panic!("{other:?}"),
    }
}

/// With no right at all; then with the right to write the attribute, which is not enough.
pub async fn who_lacks_a_right_is_told_the_attribute(lab: &'static Lab) {
    let (directory, name) = narrow(lab).await;
    let (front, back) = (
        lab.make("front", AccountKind::User).await,
        lab.make("back", AccountKind::User).await,
    );
    let of = front.account.principal.name();
    let before = control(lab, &front).await;
    let flag = planned(lab, &front, &transition(true)).await;
    let list = planned(lab, &front, &to(lab, &back, Way::Constrained).await).await;
    for (change, attribute) in [(&flag, "userAccountControl"), (&list, TARGETS)] {
        let text = refusal(&directory, change).await;
        let told = format!("{name} may not write {attribute} of {of}");
        assert!(text.contains(&told), "{text}");
    }
    let trustee = lab.administrator().party(&lab.dc1, &name).await.unwrap();
    let sid = trustee.and_then(|party| party.sid).unwrap();
    let object = lab.distinguished_name("dc1", &front.account);
    let grant = format!("--sddl=(OA;;WP;bf967a68-0de6-11d0-a285-00aa003049e2;;{sid})");
    let tool = ["lab-dc", "samba-tool", "dc1", "dsacl", "set"];
    lab.run(&[&tool[..], &[&format!("--objectdn={object}"), &grant]].concat());
    let text = refusal(&directory, &flag).await;
    assert!(
        text.contains(&format!(
            "{name} may write userAccountControl of {of}, but not this value"
        )) && text.contains("SeEnableDelegationPrivilege"),
        "{text}"
    );
    assert_eq!(control(lab, &front).await, before);
    assert!(ground(lab, &front, 0).await.holding.targets.is_empty());
}
