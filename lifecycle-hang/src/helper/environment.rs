//! The environment of the helper.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;
use std::ptr::null;

use lifecycle_os::procfs;
use lifecycle_os::text::Text;

const VARIABLES: usize = 1024;
const BYTES: usize = 128 << 10;

/// How their names begin: the loader's, the C library's, and where coverage is written.
const PASSED_ON: [&[u8]; 4] = [b"LD_", b"GLIBC_TUNABLES=", b"PATH=", b"LLVM_PROFILE_FILE="];

/// What the helper is started with. On the stack of whoever reports: nothing here may need the heap.
pub(super) struct Environment {
    bytes: [u8; BYTES],
    pointers: [*const c_char; VARIABLES],
    own: Text<64>,
}

impl Environment {
    pub(super) fn new() -> Environment {
        Environment { bytes: [0; BYTES], pointers: [null(); VARIABLES], own: Text::new() }
    }

    /// For `posix_spawn`, once it is filled.
    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    /// Of what this process was started with, only that by which its libraries are found: the rest is none of the helper's
    /// business, and the service may have removed it on purpose. Not from `environ`, which another thread may be changing right now.
    pub(super) fn fill(&mut self, variable: &CStr, descriptor: c_int) {
        let _ = write!(self.own, "{}={descriptor}\0", variable.to_str().unwrap_or_default());
        self.pointers[0] = self.own.as_str().as_ptr().cast();
        let len = procfs::read(format_args!("/proc/self/environ"), &mut self.bytes).len();
        let is_passed_on = |variable: &&[u8]| PASSED_ON.iter().any(|begin| variable.starts_with(begin));
        let mut variables = self.bytes[..len].split_inclusive(|byte| *byte == 0).filter(is_passed_on);
        for pointer in &mut self.pointers[1..VARIABLES - 1] {
            // One that was cut off has no zero at its end.
            let Some(variable) = variables.next().filter(|variable| variable.ends_with(&[0])) else { return };
            *pointer = variable.as_ptr().cast();
        }
    }
}
