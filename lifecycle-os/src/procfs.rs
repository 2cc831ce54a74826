//! Files, above all those of `/proc`, read without allocation. May be used while the process is broken.

use std::ffi::c_int;
use std::fmt::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::text::Text;

/// Longer paths are not opened.
const LONGEST_PATH: usize = 4096;

/// A file that is open.
#[derive(Debug)]
pub struct File(OwnedFd);

impl File {
    /// `None` if it cannot be opened. It is not inherited by programs that this process starts.
    #[must_use]
    pub fn open(path: fmt::Arguments<'_>, flags: c_int) -> Option<File> {
        let mut text = Text::<LONGEST_PATH>::new();
        // Never fails; the zero ends it for the kernel.
        let _ = write!(text, "{path}\0");
        if !text.as_str().ends_with('\0') {
            return None;
        }
        // SAFETY: a text that ends with a zero.
        let descriptor = unsafe { libc::open(text.as_str().as_ptr().cast(), flags | libc::O_CLOEXEC, 0o600) };
        // SAFETY: ours alone, since it has just been opened.
        (descriptor >= 0).then(|| File(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// 0 at the end, and after an error.
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        // SAFETY: as many writable bytes as are said.
        let read = unsafe { libc::read(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(read).unwrap_or(0)
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> c_int {
        self.0.as_raw_fd()
    }
}

/// Reads the begin of a file into `buffer`; nothing if it cannot be read.
///
/// ```
/// let mut name = [0; 64];
/// let name = lifecycle_os::procfs::read(format_args!("/proc/self/comm"), &mut name);
/// assert!(!name.is_empty());
/// ```
pub fn read<'a>(path: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> &'a [u8] {
    let mut len = 0;
    if let Some(file) = File::open(path, libc::O_RDONLY) {
        while len < buffer.len() {
            match file.read(&mut buffer[len..]) {
                0 => break,
                more => len += more,
            }
        }
    }
    &buffer[..len]
}

/// What stands behind `name` at the beginning of a line, as in `/proc/self/status`.
///
/// ```
/// let status = b"Name:\tbank\nTracerPid:\t0\n";
/// assert_eq!(lifecycle_os::procfs::field(status, "TracerPid:"), Some("0"));
/// ```
#[must_use]
pub fn field<'a>(text: &'a [u8], name: &str) -> Option<&'a str> {
    let value = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name.as_bytes()))?;
    std::str::from_utf8(value.trim_ascii()).ok()
}
