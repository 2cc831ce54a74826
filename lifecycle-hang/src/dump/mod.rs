//! What a report is made from: one block of memory that the signal handlers, the helper process and we share.

mod cause;
mod facts;
mod finding;
mod mapping;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use lifecycle_os::text::Text;

pub(crate) use cause::Cause;
pub(crate) use facts::{Call, Facts, Task, Thread};
pub(crate) use finding::Finding;
pub(crate) use mapping::Mapping;

pub(crate) const THREADS: usize = 1024;
pub(crate) const TASKS: usize = 256;
pub(crate) const FRAMES: usize = 112;
/// Of one task: `join!` and `select!` wait for several things.
pub(crate) const LEAVES: usize = 4;
pub(crate) const LEAF_FRAMES: usize = 64;
pub(crate) const FILES: usize = 8;
pub(crate) const OWN_CRATES: usize = 4;
/// Bytes of a task's name that are shown.
pub(crate) const TASK_NAME: usize = 48;

/// The stack of a thread, written by its own signal handler.
#[repr(C)]
pub(crate) struct Walk {
    pub(crate) len: AtomicU32,
    /// 1: the walk ended in a fault, 2: it found no further caller. What is there is right, and not all.
    pub(crate) fault: AtomicU32,
    /// The unwinder got nowhere: the frames are return addresses that were found on the stack.
    pub(crate) guessed: AtomicU32,
    pub(crate) frames: [AtomicU64; FRAMES],
}

impl Walk {
    /// What was stored by now, innermost first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = u64> {
        let len = (self.len.load(Acquire) as usize).min(FRAMES);
        self.frames[..len].iter().map(|frame| frame.load(Relaxed))
    }

    /// For another try.
    pub(crate) fn clear(&self) {
        self.fault.store(0, Relaxed);
        self.guessed.store(0, Relaxed);
        self.len.store(0, Release);
    }

    /// Whether there is room for more.
    pub(crate) fn store(&self, address: u64) -> bool {
        let len = self.len.load(Relaxed) as usize;
        let Some(slot) = self.frames.get(len) else { return false };
        slot.store(address, Relaxed);
        // Frame by frame: a walk that ends in a fault leaves what it had.
        self.len.store(len as u32 + 1, Release);
        len + 1 < FRAMES
    }

    /// Of all addresses.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.addresses().for_each(|address| address.hash(&mut hasher));
        hasher.finish()
    }

    pub(crate) fn is_guessed(&self) -> bool {
        self.guessed.load(Relaxed) == 1
    }
}

/// The chains of awaits of a task, written while it is polled.
#[repr(C)]
pub(crate) struct Chains {
    /// 0: not polled since it was woken.
    pub(crate) polled: AtomicU32,
    pub(crate) leaves: AtomicU32,
    pub(crate) lens: [AtomicU32; LEAVES],
    pub(crate) frames: [[AtomicU64; LEAF_FRAMES]; LEAVES],
}

/// In a poll, and after one: `Chains::polled`.
pub(crate) const IN_POLL: u32 = 1;
pub(crate) const POLLED: u32 = 2;

impl Chains {
    /// How many there are.
    pub(crate) fn leaves(&self) -> usize {
        (self.leaves.load(Acquire) as usize).min(LEAVES)
    }

    /// Of one leaf, from it outwards.
    pub(crate) fn addresses(&self, leaf: usize) -> impl Iterator<Item = u64> {
        let len = (self.lens[leaf].load(Relaxed) as usize).min(LEAF_FRAMES);
        self.frames[leaf][..len].iter().map(|frame| frame.load(Relaxed))
    }

    pub(crate) fn was_polled(&self) -> bool {
        self.polled.load(Acquire) == POLLED
    }
}

/// The part that others than the collector write to, whenever they get to run.
#[repr(C)]
pub(crate) struct Walks {
    pub(crate) threads: [Walk; THREADS],
    pub(crate) tasks: [Chains; TASKS],
}

/// The collector's own part; the helper's while it runs.
#[repr(C)]
pub(crate) struct Data {
    pub(crate) magic: u64,
    pub(crate) facts: Facts,
    /// The report, once `finished` is 1.
    pub(crate) text: Text<1048576>,
    pub(crate) finished: AtomicU32,
}

#[repr(C)]
struct Dump {
    walks: Walks,
    data: Data,
}
