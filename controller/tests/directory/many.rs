//! More than a search without pages would find.

use std::fmt::Write as _;

use keyroll::delegation::{Control, findings};
use keyroll::kerberos::salt::AccountKind;
use keyroll_controller::ports::Directory as _;

use crate::lab::Lab;

/// Above the 1,000 entries that Active Directory gives for one search (MS-ADTS 3.1.1.3.4.6,
/// MaxPageSize); Samba gives all of them, but in pages as it is asked: here in three.
const MANY: usize = 1_100;

pub async fn an_inventory_has_no_end_at_a_thousand(lab: &'static Lab) {
    let back = lab.make("back", AccountKind::User).await;
    let spn = back.service().name();
    let flags = 0x200 | Control::UNCONSTRAINED;
    let unit = lab.name("fronts");
    let base = format!("OU={unit},DC=corp,DC=example");
    let mut ldif = format!("dn: {base}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    for number in 0..MANY {
        write!(
            ldif,
            "dn: CN=front{number},{base}\nchangetype: add\nobjectClass: user\n\
             sAMAccountName: {number}-{unit}\nuserAccountControl: {flags}\n\
             msDS-AllowedToDelegateTo: {spn}\n\n"
        )
        .unwrap();
    }
    let path = lab.folder.join(lab.name("ldif"));
    std::fs::write(&path, ldif).unwrap();
    lab.run(&["lab-dc", "ldbmodify", "dc1", path.to_str().unwrap()]);

    let directory = lab.controller();
    let own = [spn];
    let found = directory.delegation(&lab.dc1, &back.account, &own).await;
    let found = found.unwrap();
    assert_eq!(found.fronts.len(), MANY);
    assert!(
        found.unconstrained.len() >= MANY,
        "{}",
        found.unconstrained.len()
    );
    let told = findings("web", &found);
    assert!(told.len() >= MANY);
}
