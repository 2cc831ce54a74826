//! The block, mapped: shared with the helper where the system has memory files.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};

use super::{Data, Dump, Walks};

/// Tells a dump of this very build from whatever else a descriptor may lead to.
const MAGIC: u64 = 0x6c69_6665_6379_0000 | (size_of::<Dump>() as u64 & 0xffff);

/// The block, mapped. Pages that nobody touches cost nothing.
pub(crate) struct Mapping {
    dump: NonNull<Dump>,
    /// -1 if it cannot be shared with a helper.
    pub(crate) descriptor: c_int,
}

impl Mapping {
    /// `None` if the system has no memory for it. Allocates nothing from the heap.
    pub(crate) fn new() -> Option<Mapping> {
        let len = size_of::<Dump>();
        // SAFETY: plain system calls with constant arguments; the result of each is checked.
        unsafe {
            let descriptor = shared_memory(len);
            let (flags, from) = match descriptor {
                -1 => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
                _ => (libc::MAP_SHARED, descriptor),
            };
            let at = libc::mmap(null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, from, 0);
            let dump = NonNull::new(at.cast()).filter(|_| at != libc::MAP_FAILED)?;
            let mut mapping = Mapping { dump, descriptor };
            mapping.data().magic = MAGIC;
            Some(mapping)
        }
    }

    /// The block that another process made, if the descriptor leads to one.
    pub(crate) fn inherited(descriptor: c_int) -> Option<Mapping> {
        let len = size_of::<Dump>();
        // SAFETY: `fstat` says that the file is as long as the mapping, so that no page of it is missing.
        unsafe {
            let mut stat: libc::stat = MaybeUninit::zeroed().assume_init();
            if libc::fstat(descriptor, &raw mut stat) != 0 || usize::try_from(stat.st_size) != Ok(len) {
                return None;
            }
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let at = libc::mmap(null_mut(), len, access, libc::MAP_SHARED, descriptor, 0);
            let dump = NonNull::new(at.cast()).filter(|_| at != libc::MAP_FAILED)?;
            let mut mapping = Mapping { dump, descriptor };
            (mapping.data().magic == MAGIC).then_some(mapping)
        }
    }

    pub(crate) fn walks(&self) -> &'static Walks {
        // SAFETY: zeroed memory is a valid `Walks`, all of it atomics. `'static` as long as the block is not unmapped,
        // which `unmap` asks its caller for.
        unsafe {
            let walks = &raw const (*self.dump.as_ptr()).walks;
            &*walks
        }
    }

    pub(crate) fn data(&mut self) -> &mut Data {
        // SAFETY: zeroed memory is a valid `Data`; disjoint from `walks`, and `&mut self` makes it the only reference.
        unsafe {
            let data = &raw mut (*self.dump.as_ptr()).data;
            &mut *data
        }
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// Nobody may read or write `walks` any more.
    pub(crate) unsafe fn unmap(self) {
        // SAFETY: mapped by `new` with this length; the caller says that no reference is left.
        unsafe {
            libc::munmap(self.dump.as_ptr().cast(), size_of::<Dump>());
            self.close();
        }
    }

    /// Closes the descriptor; the memory stays, for handlers that may still write to it.
    pub(crate) fn close(self) {
        if self.descriptor >= 0 {
            // SAFETY: ours.
            unsafe { libc::close(self.descriptor) };
        }
    }
}

/// -1 where the system has no memory files, or forbids them.
fn shared_memory(len: usize) -> c_int {
    // SAFETY: a constant name; the descriptor is ours and checked.
    unsafe {
        let descriptor = libc::memfd_create(c"lifecycle-hang-report".as_ptr(), libc::MFD_CLOEXEC);
        // A service that closed its stderr must not get its report written into itself.
        let moved = if (0..=2).contains(&descriptor) {
            libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3)
        } else {
            descriptor
        };
        if moved != descriptor {
            libc::close(descriptor);
        }
        let len = libc::off_t::try_from(len).unwrap_or(libc::off_t::MAX);
        if moved >= 0 && libc::ftruncate(moved, len) != 0 {
            libc::close(moved);
            return -1;
        }
        moved
    }
}
