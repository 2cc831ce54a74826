//! The calls of annotated functions that are under way: each beats in a slot of its own, which the watchdog reads.
//!
//! Slots live for ever and are used again, in groups: a finished call costs nothing, and no call that begins allocates while
//! its thread has room. A thread begins its calls in groups of its own, by plain loads and stores.
//!
//! | state of a slot | who moves it on |
//! |---|---|
//! | free | `Group::take` sets its bit in `taken`: the owner of its group, which begins a call |
//! | taken, its `run` is 0 | `begin` stores the call, and `run` last: the same thread |
//! | under way | `Slot::end` stores 0 as `run`; the owner then clears the bit, another thread sets it in `ended` |
//! | ended elsewhere | `Group::reclaim` clears the bit in both: the owner, once it has no other room |
//!
//! The count of beats is never reset. So whoever sees an unchanged count sees the same call, and no beat of it since.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};

use super::heartbeat::Heartbeat;
use crate::model::place::Place;
use crate::os::atomic_ref::{AtomicRef, Linked, StaticList};
use crate::os::process::thread_id;

/// The number of the first run; before it there is only `init`.
const FIRST_RUN: u32 = 1;

/// As a bitmap has bits.
const SLOTS: usize = 32;

/// One call, while it is under way.
// As a heartbeat: a beat must not contend with its neighbours.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Slot {
    beats: AtomicU64,
    /// The run in which it began, plus 1; 0 while none is under way.
    run: AtomicU64,
    heartbeat: AtomicRef<Heartbeat>,
    inside: AtomicRef<Place>,
    /// Of the tracked task that began it; 0 is none.
    task: AtomicUsize,
    /// That it stays on until it ends; 0 if it is `async`.
    thread: AtomicU32,
    /// It may wait for calls of its own function, so it is not judged alone.
    as_one: AtomicBool,
    seen: Seen,
    bit: u32,
    group: AtomicRef<Group>,
}

/// As the watchdog last saw it. Only its thread writes.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) beats: AtomicU64,
    /// When it saw that number first: nanoseconds of credited ticks, and of all ticks.
    pub(super) since: AtomicU64,
    pub(super) since_wall: AtomicU64,
    /// It was warned about since then.
    pub(super) warned: AtomicBool,
}

const _: () = assert!(size_of::<Slot>() == 128, "no call takes a third cache line");

struct Group {
    /// The thread that begins calls here; 0 is none.
    owner: AtomicU32,
    /// A bit for each slot. Only the owner writes.
    taken: AtomicU32,
    /// Of those the ones whose calls other threads have ended.
    ended: AtomicU32,
    next: AtomicRef<Group>,
    slots: [Slot; SLOTS],
}

/// Process-wide, as heartbeats are.
static GROUPS: StaticList<Group> = StaticList::new();

thread_local! {
    static OWN: Cell<Option<&'static Group>> = const { Cell::new(None) };
    static LEAVING: Leaving = const { Leaving };
}

/// Dropped as the thread ends: its groups are for others.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        OWN.set(None);
        let own = thread_id();
        let owned = GROUPS.iter().filter(|group| group.owner.load(Relaxed) == own);
        // Release: the next owner finds the slots as they were left.
        owned.for_each(|group| group.owner.store(0, Release));
    }
}

impl Linked for Group {
    fn next(&self) -> &AtomicRef<Group> {
        &self.next
    }
}

impl Group {
    fn new(owner: u32) -> &'static Group {
        let slots = std::array::from_fn(|number| Slot { bit: 1 << number, ..Slot::default() });
        let (owner, taken, ended) = (AtomicU32::new(owner), AtomicU32::new(0), AtomicU32::new(0));
        let group: &Group =
            Box::leak(Box::new(Group { owner, taken, ended, next: AtomicRef::none(), slots }));
        group.slots.iter().for_each(|slot| slot.group.store(Some(group)));
        group
    }

    /// For its owner.
    #[inline]
    fn take(&self) -> Option<&Slot> {
        let taken = self.taken.load(Relaxed);
        let slot = self.slots.get(taken.trailing_ones() as usize)?;
        self.taken.store(taken | slot.bit, Relaxed);
        Some(slot)
    }

    /// As `take`, where all seems to be taken.
    fn reclaim(&self) -> Option<&Slot> {
        // Acquire: each slot is as its call left it.
        let ended = self.ended.swap(0, Acquire);
        self.taken.store(self.taken.load(Relaxed) & !ended, Relaxed);
        self.take()
    }

    /// Whether it is this thread's, maybe from now on.
    fn is_owned_by(&self, thread: u32) -> bool {
        let owner = self.owner.load(Relaxed);
        owner == thread || owner == 0 && self.owner.compare_exchange(0, thread, Acquire, Relaxed).is_ok()
    }
}

/// A free slot, now taken.
#[inline]
fn take() -> &'static Slot {
    OWN.get().and_then(Group::take).unwrap_or_else(take_elsewhere)
}

#[cold]
fn take_elsewhere() -> &'static Slot {
    let own = thread_id();
    // A thread that is ending has no such word any more; what it takes now stays its own.
    let _ = LEAVING.try_with(|_| ());
    // This one again, then on from where room was found last.
    let from_here = std::iter::successors(OWN.get(), |group| group.next.load());
    let mut groups = from_here.chain(GROUPS.iter()).filter(|group| group.is_owned_by(own));
    let found = groups.find_map(|group| Some((group, group.reclaim()?)));
    let (group, slot) = found.unwrap_or_else(|| {
        let group = Group::new(own);
        let slot = group.take().expect("it is new, and nobody else's");
        GROUPS.push(group);
        // Where all is full, a search for room costs as many looks as there are groups: it must be rare.
        let count = GROUPS.iter().filter(|group| group.owner.load(Relaxed) == own).count();
        (0..count / 8).for_each(|_| GROUPS.push(Group::new(own)));
        (group, slot)
    });
    OWN.set(Some(group));
    slot
}

/// Who makes a call, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The address of the tracked task that it begins in; 0 is none.
    pub(crate) task: usize,
    /// The thread that it stays on until it ends; 0 if it is `async`.
    pub(crate) thread: u32,
    /// It may wait for calls of its own function, so it is not judged alone.
    pub(crate) as_one: bool,
}

/// A call begins, in `run`.
#[inline]
pub(super) fn begin(heartbeat: &'static Heartbeat, run: u32, caller: Caller) -> &'static Slot {
    let slot = take();
    slot.beat();
    slot.heartbeat.store(Some(heartbeat));
    slot.inside.store(Some(heartbeat.declared()));
    slot.task.store(caller.task, Relaxed);
    slot.thread.store(caller.thread, Relaxed);
    slot.as_one.store(caller.as_one, Relaxed);
    // Release: whoever sees that it is under way sees all the rest.
    slot.run.store(u64::from(run) + 1, Release);
    slot
}

impl Slot {
    /// Load and store: nobody else beats here.
    #[inline]
    pub(super) fn beat(&self) {
        self.beats.store(self.beats.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Leaves a breadcrumb: the call is at `place` now.
    #[inline]
    pub(super) fn leave(&self, place: &'static Place) {
        self.inside.store(Some(place));
    }

    #[inline]
    pub(super) fn end(&self) {
        self.run.store(0, Relaxed);
        let Some(group) = self.group.load() else { return };
        if group.owner.load(Relaxed) == thread_id() {
            group.taken.store(group.taken.load(Relaxed) & !self.bit, Relaxed);
        } else {
            // Release: the owner finds the slot as it was left.
            group.ended.fetch_or(self.bit, Release);
        }
    }

    /// Of which heartbeat it is, if it is under way and nothing that a run before `run` left behind; while no run is judged
    /// (0), each is shown.
    pub(super) fn heartbeat(&self, run: u32) -> Option<&'static Heartbeat> {
        // Acquire: with `begin`.
        let begun = self.run.load(Acquire).checked_sub(1)?;
        // Before the first run there is nothing to be left behind, but `init`.
        let is_current = begun == u64::from(run) || run <= FIRST_RUN;
        self.heartbeat.load().filter(|_| is_current)
    }

    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Relaxed)
    }

    /// The await that it was last at, or its function.
    pub(super) fn inside(&self) -> Option<&'static Place> {
        self.inside.load()
    }

    pub(super) fn caller(&self) -> Caller {
        Caller {
            task: self.task.load(Relaxed),
            thread: self.thread.load(Relaxed),
            as_one: self.as_one.load(Relaxed),
        }
    }

    /// Whether it is the call that the watchdog has seen, and has not beaten since.
    pub(super) fn is_still(&self, heartbeat: &Heartbeat, run: u32) -> bool {
        let is_its = self.heartbeat(run).is_some_and(|its| std::ptr::eq(its, heartbeat));
        is_its && self.beats() == self.seen.beats.load(Relaxed)
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }
}

/// Those that are under way; takes no lock and allocates nothing.
pub(super) fn under_way() -> impl Iterator<Item = &'static Slot> {
    GROUPS.iter().flat_map(|group| {
        let is_left = !group.ended.load(Relaxed);
        let first = Some(group.taken.load(Relaxed) & is_left).filter(|taken| *taken != 0);
        // Without its lowest bit.
        let rest = |taken: &u32| Some(taken & (taken - 1)).filter(|taken| *taken != 0);
        std::iter::successors(first, rest).map(|taken| &group.slots[taken.trailing_zeros() as usize])
    })
}
