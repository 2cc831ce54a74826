//! Whatever stands in the file: no panic, and no more memory than the file's size explains.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lifecycle_core::__private::rehearse(bytes);
});
