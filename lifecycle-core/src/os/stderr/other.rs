//! Through std, which knows stderr alone by a number here.

use std::ffi::c_int;
use std::io::Write;
use std::time::Instant;

pub(crate) fn write(bytes: &[u8]) {
    write_until(2, bytes, Instant::now());
}

pub(crate) fn write_until(_: c_int, bytes: &[u8], _: Instant) {
    let _ = std::io::stderr().write_all(bytes);
}

pub(crate) fn write_now(bytes: &[u8]) -> usize {
    write(bytes);
    bytes.len()
}
