//! Memory of this process, read so that what is not there is no fault.

use std::ffi::c_void;
use std::os::fd::AsRawFd;

use lifecycle_os::procfs::File;

const PAGE: usize = 4096;

/// One page at a time.
pub(super) struct StackMemory {
    page: [u8; PAGE],
    /// Where it lies; 0 is none.
    at: u64,
    /// For a sandbox that forbids the system call for it.
    file: Option<File>,
}

impl StackMemory {
    pub(super) fn new() -> StackMemory {
        StackMemory { page: [0; PAGE], at: 0, file: None }
    }

    /// It may have changed.
    pub(super) fn forget(&mut self) {
        self.at = 0;
    }

    /// The word at an address; `None` if there is no memory.
    pub(super) fn read(&mut self, address: u64) -> Option<u64> {
        let at = address & !(PAGE as u64 - 1);
        if at != self.at {
            self.at = if self.fetch(at) { at } else { 0 };
        }
        let inside = usize::try_from(address - at).ok()?;
        let word = self.page.get(inside..inside + 8).filter(|_| self.at == at && at != 0)?;
        Some(u64::from_ne_bytes(word.try_into().ok()?))
    }

    fn fetch(&mut self, at: u64) -> bool {
        let local = libc::iovec { iov_base: self.page.as_mut_ptr().cast(), iov_len: PAGE };
        let there = std::ptr::without_provenance_mut::<c_void>(at as usize);
        let remote = libc::iovec { iov_base: there, iov_len: PAGE };
        // SAFETY: a writable page; the other one is the kernel's to check.
        let read =
            unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
        read == PAGE as isize || self.fetch_from_file(at)
    }

    fn fetch_from_file(&mut self, at: u64) -> bool {
        if self.file.is_none() {
            self.file = File::open(format_args!("/proc/self/mem"), libc::O_RDONLY);
        }
        let Some(file) = &self.file else { return false };
        let offset = libc::off_t::try_from(at).unwrap_or(libc::off_t::MAX);
        // SAFETY: a writable page.
        let read = unsafe { libc::pread(file.as_raw_fd(), self.page.as_mut_ptr().cast(), PAGE, offset) };
        read == PAGE as isize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_fault() {
        let word = 0x0123_4567_89AB_CDEF_u64;
        let address = (&raw const word).expose_provenance() as u64 & !7;
        for mut memory in [StackMemory::new(), StackMemory::new()] {
            assert_eq!(memory.read(address), Some(word));
            assert_eq!((memory.read(16), memory.read(u64::MAX - 7)), (None, None));
            assert_eq!(memory.read(address), Some(word));
        }
    }
}
