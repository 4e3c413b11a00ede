//! Every file is either refused, or taken apart into records that make the same bytes again.

#![no_main]

use keyroll::keytab::framing::Framing;
use keyroll::keytab::{Entry, inventory};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let listed = inventory(bytes, &[7; 32]);
    let Ok(framing) = Framing::parse(bytes) else {
        assert!(listed.is_err(), "a damaged file was listed");
        return;
    };
    assert!(framing.render().expose() == bytes, "a byte was lost");
    let readable = framing
        .entries()
        .filter(|record| Entry::parse(record.body).is_some())
        .count();
    let listed = listed.expect("the same frame");
    assert!(listed.len() <= readable, "an entry was made up");
});
