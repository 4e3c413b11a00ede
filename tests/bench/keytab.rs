//! A keytab's update, against the least that a crash-safe replacement of a file must do.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use keyroll::fence::{Epoch, Version};
use keyroll::kerberos::{Enctype, Key, Kvno};
use keyroll::keyset::{GenerationKeys, Keyset, Role, Unlisted};
use keyroll::keytab::{TargetFilter, TargetKind};
use keyroll::secret::SecretBytes;
use keyroll_agent::atomic_file::Access;
use keyroll_agent::keytab_file::{Order, Target, prepare};

use crate::table::{Row, in_turns, timed};

const PRINCIPALS: [&str; 3] = [
    "WEB$@CORP.EXAMPLE",
    "HTTP/web@CORP.EXAMPLE",
    "HTTP/web.corp.example@CORP.EXAMPLE",
];
const TIMES: usize = 301;

/// A keyset of three principals, two generations and two enctypes: 12 entries.
pub fn keyset(version: u64) -> Result<Keyset> {
    let kvno = u32::try_from(version)?;
    let generation = |role, kvno: u32| -> Result<GenerationKeys> {
        let key = |enctype: Enctype| {
            let byte = kvno.to_le_bytes()[0];
            Key::new(enctype, SecretBytes::new(vec![byte; enctype.key_length()]))
        };
        let enctypes = [Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1];
        let keys = enctypes.into_iter().map(key).collect::<Result<_, _>>()?;
        let kvno = Kvno(kvno);
        Ok(GenerationKeys {
            role,
            kvno,
            keys,
            origin: None,
        })
    };
    let principals = PRINCIPALS.iter().map(|text| text.parse());
    Ok(Keyset {
        array: "web".parse()?,
        epoch: Epoch(1),
        version: Version(version),
        principals: principals.collect::<Result<_, _>>()?,
        generations: vec![
            generation(Role::Current, kvno + 1)?,
            generation(Role::Previous, kvno)?,
        ],
        unlisted: Unlisted::Remove,
    })
}

/// `folder` must be on a disk.
pub fn measure(folder: &Path) -> Result<Vec<Row>> {
    let keysets = [keyset(1)?, keyset(2)?];
    let target = [Target {
        path: folder.join("ours.keytab"),
        filter: TargetFilter {
            kind: TargetKind::Owned,
            principals: None,
            enctypes: None,
        },
        access: Access::PRIVATE,
    }];
    let written = [(target[0].path.clone(), Access::PRIVATE)].into();
    let ours = [target[0].path.clone()].into();
    let update = |turn: usize| {
        timed(|| {
            let keyset = &keysets[turn % 2];
            let order = Order {
                keyset,
                scope: &keyset.principals,
                written: &written,
                ours: &ours,
                timestamp: 1,
            };
            Ok(prepare(&target, order)?.commit()?)
        })
    };
    let mut contents = Vec::new();
    for turn in 0..2 {
        update(turn)?;
        contents.push(fs::read(&target[0].path)?);
    }
    let bare = |turn: usize| timed(|| replace(folder, &contents[turn % 2]));
    let (ours, theirs) = in_turns(TIMES, update, bare)?;
    let theirs = ("write, fsync, rename, fsync of the folder", theirs);
    Ok(vec![Row::ratio(
        "update of a keytab of 12 entries, read back",
        ours,
        theirs,
        1.3,
    )])
}

/// The least that any program does that must not lose the file in a crash.
pub fn replace(folder: &Path, bytes: &[u8]) -> Result<()> {
    let (new, path) = (folder.join("bare.new"), folder.join("bare"));
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
