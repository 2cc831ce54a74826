//! What a report is made from: one block of memory that the signal handlers, the helper process and we share.

use std::ffi::c_int;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::classify::Finding;
use crate::os::text::Text;
use crate::tasks::label::NAME;
use crate::tasks::snapshot::Age;

pub(super) const THREADS: usize = 1024;
pub(super) const TASKS: usize = 256;
pub(super) const FRAMES: usize = 112;
/// Of one task: `join!` and `select!` wait for several things.
pub(super) const LEAVES: usize = 4;
pub(super) const LEAF_FRAMES: usize = 64;
pub(super) const FILES: usize = 8;

/// The stack of a thread, written by its own signal handler.
#[repr(C)]
pub(super) struct Walk {
    pub(super) len: AtomicU32,
    /// The walk ended in a fault: what is there is right, and not all.
    pub(super) fault: AtomicU32,
    /// The unwinder got nowhere: the frames are return addresses that were found on the stack.
    pub(super) guessed: AtomicU32,
    pub(super) frames: [AtomicU64; FRAMES],
}

impl Walk {
    /// Of all addresses.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let len = (self.len.load(Relaxed) as usize).min(FRAMES);
        self.frames[..len].iter().for_each(|frame| frame.load(Relaxed).hash(&mut hasher));
        hasher.finish()
    }
}

/// The chains of awaits of a task, written while it is polled.
#[repr(C)]
pub(super) struct Chains {
    /// 0: not polled since it was woken; 1: in a poll; 2: polled.
    pub(super) polled: AtomicU32,
    pub(super) leaves: AtomicU32,
    pub(super) lens: [AtomicU32; LEAVES],
    pub(super) frames: [[AtomicU64; LEAF_FRAMES]; LEAVES],
}

/// The part that others than the collector write to, whenever they get to run.
#[repr(C)]
pub(super) struct Walks {
    pub(super) threads: [Walk; THREADS],
    pub(super) tasks: [Chains; TASKS],
}

/// How far the stack of a thread is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Answer {
    #[default]
    None,
    /// Its handler walked it.
    Walked,
    /// Only where it is in the kernel's eyes.
    Top,
}

/// What the kernel says of a thread.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Thread {
    pub(super) id: u32,
    pub(super) answer: Answer,
    /// As in `/proc`: R, S, D, …
    pub(super) state: u8,
    pub(super) name: Text<16>,
    pub(super) wait: Text<40>,
    /// The system call that it is in, if that is known and it is in one.
    pub(super) call: Call,
    /// Nanoseconds on a processor, at the begin and the end of the report.
    pub(super) ran: [u64; 2],
    /// The user's frames at half-time, hashed, and what it had run by then; 0 if that is not known.
    pub(super) half: [u64; 2],
    /// 1 if all addresses of its stack are those of half-time.
    pub(super) same_walk: u32,
    pub(super) finding: Finding,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Call {
    pub(super) known: u32,
    pub(super) number: i64,
    pub(super) args: [u64; 6],
    pub(super) pc: u64,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Task {
    pub(super) name: Text<NAME>,
    pub(super) place: Text<160>,
    pub(super) thread: u32,
    pub(super) polls: u64,
    pub(super) age: Age,
    pub(super) finding: Finding,
}

/// What was collected. Zeroed memory is a valid one.
#[repr(C)]
pub(super) struct Facts {
    pub(super) pid: u32,
    pub(super) full: u32,
    /// Only suspects are shown.
    pub(super) brief: u32,
    /// Nobody said that something is wrong.
    pub(super) goes_on: u32,
    /// Begins with it.
    pub(super) title: Text<256>,
    pub(super) threads: u32,
    pub(super) tasks: u32,
    /// Between the two samples of `Thread::ran`.
    pub(super) sampled: u64,
    /// Milliseconds since the half-time report; 0 if there was none.
    pub(super) since_half: u64,
    /// The stale heartbeat's name.
    pub(super) heartbeat: Text<160>,
    /// The breadcrumb of the stale heartbeat: a task that waits there is a suspect.
    pub(super) crumb: Text<200>,
    /// Files of the program, as the compiler was given them.
    pub(super) files: [Text<160>; FILES],
    /// The thread that the report is about, or 0.
    pub(super) about: u32,
    pub(super) heartbeats: Text<16384>,
    /// The executable mappings, as `/proc/self/maps` has them.
    pub(super) maps: Text<65536>,
    pub(super) thread: [Thread; THREADS],
    pub(super) task: [Task; TASKS],
}

/// The collector's own part; the helper's while it runs.
#[repr(C)]
pub(super) struct Data {
    pub(super) magic: u64,
    pub(super) facts: Facts,
    /// The report, once `finished` is 1.
    pub(super) text: Text<1048576>,
    pub(super) finished: AtomicU32,
}

#[repr(C)]
struct Dump {
    walks: Walks,
    data: Data,
}

/// Tells a dump of this very build from whatever else a descriptor may lead to.
const MAGIC: u64 = 0x6c69_6665_6379_0000 | (size_of::<Dump>() as u64 & 0xffff);

/// The block, mapped. Pages that nobody touches cost nothing.
pub(super) struct Mapping {
    dump: NonNull<Dump>,
    /// -1 if it cannot be shared with a helper.
    pub(super) descriptor: c_int,
}

impl Mapping {
    /// `None` if the system has no memory for it. Allocates nothing from the heap.
    pub(super) fn new() -> Option<Mapping> {
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
    pub(super) fn inherited(descriptor: c_int) -> Option<Mapping> {
        let len = size_of::<Dump>();
        // SAFETY: `fstat` says that the file is as long as the mapping, so that no page of it is missing.
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
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

    pub(super) fn walks(&self) -> &'static Walks {
        // SAFETY: zeroed memory is a valid `Walks`, all of it atomics. `'static` as long as the block is not unmapped,
        // which `unmap` asks its caller for.
        unsafe {
            let walks = &raw const (*self.dump.as_ptr()).walks;
            &*walks
        }
    }

    pub(super) fn data(&mut self) -> &mut Data {
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
    pub(super) unsafe fn unmap(self) {
        // SAFETY: mapped by `new` with this length; the caller says that no reference is left.
        unsafe {
            libc::munmap(self.dump.as_ptr().cast(), size_of::<Dump>());
            self.close();
        }
    }

    /// Closes the descriptor; the memory stays, for handlers that may still write to it.
    pub(super) fn close(self) {
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
