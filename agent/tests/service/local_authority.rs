//! A local security authority that forgets nothing: it reads requests by their documented layout.

use std::io;
use std::sync::{Mutex, MutexGuard};

use keyroll_agent::logon_session::Authority;
use keyroll_agent::logon_session::request::Request;

/// A credential of a session: its number, account, domain and password.
pub type Held = (u64, String, String, String);

#[derive(Debug, Default)]
pub struct LocalAuthority {
    held: Mutex<Vec<Held>>,
    /// What was asked, and what all sessions held after it.
    pub asked: Mutex<Vec<(u8, Vec<Held>)>>,
    /// It refuses whatever it is asked.
    pub refuses: Mutex<bool>,
}

impl LocalAuthority {
    /// What the sessions hold.
    pub fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap()
    }

    /// The passwords that a session holds, in the order in which they came.
    pub fn passwords(&self, session: u64) -> Vec<String> {
        let held = self.held();
        let own = held.iter().filter(|one| one.0 == session);
        own.map(|one| one.3.clone()).collect()
    }

    /// The flags of what was asked since the last time.
    pub fn flags(&self) -> Vec<u8> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().map(|(flags, _)| flags).collect()
    }
}

/// A number of the request, low byte first.
fn number(bytes: &[u8], place: usize, size: usize) -> u64 {
    let bytes = &bytes[place..place + size];
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A `UNICODE_STRING` of the request.
fn text(bytes: &[u8], place: usize) -> String {
    let length = number(bytes, place, 2) as usize;
    assert_eq!(number(bytes, place + 2, 2) as usize, length);
    let start = number(bytes, place + 8, 8) as usize;
    let units = bytes[start..start + length].chunks(2);
    let units: Vec<u16> = units.map(|unit| number(unit, 0, 2) as u16).collect();
    String::from_utf16(&units).unwrap()
}

impl Authority for LocalAuthority {
    fn ask(&self, request: Request) -> io::Result<()> {
        let bytes = request.bytes.as_slice();
        if *self.refuses.lock().unwrap() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        assert_eq!(number(bytes, 0, 4), 17, "KerbAddExtraCredentialsMessage");
        let (account, domain) = (text(bytes, 8), text(bytes, 24));
        let session = number(bytes, 56, 8);
        let one = (session, account, domain, text(bytes, 40));
        let flags = bytes[64];
        let mut held = self.held();
        let named = |other: &Held| (other.0, &other.1, &other.2) == (one.0, &one.1, &one.2);
        let before = held.len();
        match flags {
            1 => {}
            2 => held.retain(|other| !named(other)),
            4 => held.retain(|other| *other != one),
            _ => panic!("flags {flags}"),
        }
        let outcome = if flags != 1 && held.len() == before {
            Err(io::ErrorKind::NotFound.into())
        } else {
            if flags != 4 {
                held.push(one);
            }
            Ok(())
        };
        self.asked.lock().unwrap().push((flags, held.clone()));
        outcome
    }
}
