//! Permits to write into a dump: opened for one report, and closed before its memory goes.
//!
//! | state of a permit | who moves it on |
//! |---|---|
//! | closed | `open`, by the reporter |
//! | open | `begin`, by the writer: a thread's handler, or the poll of a task; `close`, by the reporter |
//! | busy | `end`, by the writer: done, or open again for the next leaf of a task |
//! | done | `open`, by the next report |
//!
//! Each state carries the generation of its report: a writer that comes late changes nothing of a later one.

use std::ffi::c_int;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32};

use crate::dump::{TASKS, THREADS, Walks};

const CLOSED: u32 = 0;
const OPEN: u32 = 1;
const BUSY: u32 = 2;
const DONE: u32 = 3;

/// One writer's permit. A static, not part of the dump: a handler that comes late must not touch memory that is gone.
pub(crate) struct WritePermit(AtomicU32);

impl WritePermit {
    const fn new() -> WritePermit {
        WritePermit(AtomicU32::new(CLOSED))
    }

    pub(crate) fn open(&self, generation: u32) {
        // Release: whoever begins sees the dump that the table points to.
        self.0.store(generation << 2 | OPEN, Release);
    }

    /// Whether the writer may write: until it says `end`, the dump stays.
    pub(crate) fn begin(&self, generation: u32) -> bool {
        self.change(generation, OPEN, BUSY)
    }

    /// `done`: nothing more will come.
    // A change, not a store: a writer that took ages must not touch the permit of a later report.
    pub(crate) fn end(&self, generation: u32, done: bool) {
        self.change(generation, BUSY, if done { DONE } else { OPEN });
    }

    pub(crate) fn is_done(&self, generation: u32) -> bool {
        self.0.load(Acquire) == generation << 2 | DONE
    }

    /// Takes the permit back; false if a writer is at it right now.
    pub(crate) fn close(&self, generation: u32) -> bool {
        self.change(generation, OPEN, CLOSED) || self.0.load(Acquire) != generation << 2 | BUSY
    }

    fn change(&self, generation: u32, from: u32, to: u32) -> bool {
        let (from, to) = (generation << 2 | from, generation << 2 | to);
        self.0.compare_exchange(from, to, AcqRel, Acquire).is_ok()
    }
}

/// The permits of one report at a time.
pub(crate) struct PermitTable {
    generation: AtomicU32,
    walks: AtomicPtr<Walks>,
    pub(crate) threads: [WritePermit; THREADS],
    /// Whose permits they are, for a signal that can carry no value.
    ids: [AtomicU32; THREADS],
    pub(crate) tasks: [WritePermit; TASKS],
}

/// The fatal report has a table of its own: it must not wait for another report that may be stuck.
pub(crate) static PERMITS: [PermitTable; 2] = [const { PermitTable::new() }; 2];
pub(crate) const FATAL: usize = 0;
pub(crate) const OTHER: usize = 1;

/// The fatal report takes an even signal and all others an odd one, so that no report takes another's away.
pub(super) fn table_of(signal: c_int) -> usize {
    if signal % 2 == 0 { FATAL } else { OTHER }
}

impl PermitTable {
    const fn new() -> PermitTable {
        PermitTable {
            generation: AtomicU32::new(0),
            walks: AtomicPtr::new(std::ptr::null_mut()),
            threads: [const { WritePermit::new() }; THREADS],
            ids: [const { AtomicU32::new(0) }; THREADS],
            tasks: [const { WritePermit::new() }; TASKS],
        }
    }

    /// Begins a report that is written into `walks`; returns its generation.
    pub(crate) fn begin(&self, walks: &'static Walks) -> u32 {
        self.walks.store(std::ptr::from_ref(walks).cast_mut(), Release);
        (self.generation.fetch_add(1, Relaxed) + 1) & (u32::MAX >> 2)
    }

    /// Lets a thread write its stack.
    pub(crate) fn open(&self, index: usize, generation: u32, id: u32) {
        self.ids[index].store(id, Relaxed);
        self.threads[index].open(generation);
    }

    /// The number of a thread's permit in the current report.
    pub(crate) fn find(&self, id: u32) -> Option<(usize, u32)> {
        let index = self.ids.iter().position(|other| other.load(Relaxed) == id)?;
        Some((index, self.generation.load(Relaxed) & (u32::MAX >> 2)))
    }

    /// The memory of the report whose permit the caller holds.
    pub(crate) fn walks(&self) -> &'static Walks {
        // SAFETY: a permit is only open after `begin`, and the memory stays while one is held.
        unsafe { &*self.walks.load(Acquire) }
    }
}

/// A permit's address, small enough for a signal's value and for a task's slot; never 0.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    pub(crate) table: usize,
    pub(crate) generation: u32,
    pub(crate) index: usize,
}

impl Address {
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.generation) << 16 | (self.table as u64) << 15 | self.index as u64
    }

    /// `None` if it cannot be one of ours.
    pub(crate) fn unpack(packed: u64) -> Option<Address> {
        let index = usize::try_from(packed & 0x7fff).ok()?;
        let generation = u32::try_from(packed >> 16).ok()?;
        (index < THREADS).then_some(Address { table: usize::from(packed & 0x8000 != 0), generation, index })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::UnsafeCell;

    use super::*;

    struct Page(UnsafeCell<u32>);

    // SAFETY: the permit is what is tested: it says who may touch the page. Miri reports a race if it is wrong.
    unsafe impl Sync for Page {}

    #[test]
    fn who_took_a_permit_back_has_the_memory_for_itself() {
        for generation in 1..50 {
            let (permit, page) = (WritePermit::new(), Page(UnsafeCell::new(0)));
            permit.open(generation);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let page = &page;
                    if permit.begin(generation) {
                        // SAFETY: the writer's permit is held.
                        unsafe { *page.0.get() = generation };
                        permit.end(generation, true);
                    }
                });
                while !permit.close(generation) {
                    std::thread::yield_now();
                }
                // SAFETY: the permit was taken back.
                let written = unsafe { *page.0.get() };
                assert_eq!(written == generation, permit.is_done(generation));
            });
            assert!(!permit.begin(generation), "a permit is for one report");
        }
    }

    #[test]
    fn a_late_writer_does_not_end_the_next_report() {
        let permit = WritePermit::new();
        permit.open(1);
        assert!(permit.begin(1) && !permit.close(1));
        permit.open(2);
        permit.end(1, true);
        assert!(!permit.is_done(2) && permit.begin(2));
    }

    #[test]
    fn an_address_survives_the_way_through_a_signal() {
        for (table, generation, index) in [(0, 1, 0), (1, u32::MAX >> 2, THREADS - 1), (0, 77, 5)] {
            let address = Address::unpack(Address { table, generation, index }.pack()).expect("ours");
            assert_eq!((address.table, address.generation, address.index), (table, generation, index));
        }
        assert!(Address::unpack(THREADS as u64).is_none());
        assert!(Address::unpack(u64::MAX).is_none());
    }
}
