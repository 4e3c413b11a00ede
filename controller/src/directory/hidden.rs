//! Which attributes of an account are not shown, and which are not there.

use std::collections::BTreeSet;

use keyroll::account::hidden::{
    CLASS, COMPUTED, CONTROL, ENCTYPES, EXPIRES, GROUPS, KVNO, LOCKOUT, NAME, PASSWORD_SET,
    PRINCIPAL_NAME, SPNS, WRITABLE,
};
use keyroll::descriptor::{
    READ_ENCTYPES, READ_PRINCIPAL_NAME, READ_SPNS, READ_WRITABLE, Right, Sid,
};

use super::account::holds;
use super::entry::Entry;

/// What every account has: where it is not shown, it is hidden.
const OF_ALL: [&str; 7] = [CLASS, CONTROL, EXPIRES, GROUPS, KVNO, NAME, PASSWORD_SET];
/// What an account may well lack: the permissions tell.
const OF_SOME: [(&str, Right); 4] = [
    (ENCTYPES, READ_ENCTYPES),
    (PRINCIPAL_NAME, READ_PRINCIPAL_NAME),
    (SPNS, READ_SPNS),
    (WRITABLE, READ_WRITABLE),
];
/// The attributes that a caller with these SIDs is not shown of an account, of those that judge it.
pub(super) fn hidden(caller: &BTreeSet<Sid>, entry: &Entry) -> Vec<&'static str> {
    let absent = |attribute: &str| entry.values(attribute).is_empty();
    let of_all = OF_ALL.into_iter().filter(|one| absent(one));
    let of_some = OF_SOME.iter().filter(|(one, right)| {
        // Where the permissions are hidden too, nobody can say.
        absent(one) && holds(right, caller, entry) != Some(true)
    });
    // The computed bits tell of a lock where `lockoutTime` does not, and every account has them.
    let lockout = (absent(COMPUTED) && absent(LOCKOUT)).then_some(LOCKOUT);
    let all = of_all.chain(of_some.map(|(one, _)| *one));
    all.chain(lockout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of one entry that lets ALICE, `S-1-5-97`, read everything.
    const READABLE: [u8; 48] = [
        1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // header
        2, 0, 28, 0, 1, 0, 0, 0, // a list of revision 2
        0, 0, 20, 0, 0x10, 0, 0, 0, // allowed: to read properties
        1, 1, 0, 0, 0, 0, 0, 5, 97, 0, 0, 0, // ALICE
    ];

    fn caller() -> BTreeSet<Sid> {
        BTreeSet::from(["S-1-5-97".parse().unwrap()])
    }

    #[test]
    fn what_is_absent_is_hidden_unless_it_may_be_read() {
        let all: [(&str, &[&[u8]]); 8] = [
            (CLASS, &[b"user"]),
            (CONTROL, &[b"512"]),
            (EXPIRES, &[b"0"]),
            (GROUPS, &[b"a SID"]),
            (KVNO, &[b"4"]),
            (NAME, &[b"svc-web"]),
            (PASSWORD_SET, &[b"1"]),
            (COMPUTED, &[b"0"]),
        ];
        let with = |more: &[(&str, &[&[u8]])]| {
            let entry = Entry::with(&[&all[..], more].concat());
            hidden(&caller(), &entry)
        };
        assert_eq!(with(&[("nTSecurityDescriptor", &[&READABLE])]), [""; 0]);
        assert_eq!(with(&[]), [ENCTYPES, PRINCIPAL_NAME, SPNS, WRITABLE]);
        assert_eq!(
            with(&[(SPNS, &[b"HTTP/web"]), (ENCTYPES, &[b"24"])]),
            [PRINCIPAL_NAME, WRITABLE]
        );
        let nobody = Entry::with(&[("nTSecurityDescriptor", &[&READABLE])]);
        let others = hidden(&caller(), &nobody);
        assert_eq!(others, [&OF_ALL[..], &[LOCKOUT]].concat());
        let locked = Entry::with(&[&all[..7], &[(LOCKOUT, &[b"0"])]].concat());
        assert!(!hidden(&caller(), &locked).contains(&LOCKOUT));
    }
}
