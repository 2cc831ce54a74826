//! Whatever stands in the flight recorder's page: no panic, and no line of the log is broken.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lifecycle_core::__private::rehearse_flight(bytes);
});
