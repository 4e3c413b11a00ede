#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    keyroll_fuzz::keytab::edit_keeps_foreign_entries(bytes);
});
