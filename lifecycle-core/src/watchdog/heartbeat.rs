//! Heartbeats: counters that the watchdog samples; a beat reads no clock.

mod beater;
mod kind;
mod known;
mod pause;
mod watched;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::Duration;

use crate::model::place::Place;
use crate::os::atomic_ref::{AtomicRef, Linked};
pub(crate) use beater::{rest_those_of, set_current_task};
pub use kind::Arm;
pub(crate) use kind::Kind;
pub use known::HeartbeatSite;
pub(crate) use known::{all, any_annotated_has_beaten, any_is_stale, link_declared};
pub use pause::HeartbeatPause;

/// A sign of life that the watchdog expects at least once per `limit`.
///
/// `#[lifecycle::heartbeat]` declares one for a function. Declare your own where the loop is not a function:
///
/// ```
/// use std::time::Duration;
/// use lifecycle::Heartbeat;
///
/// static FEED: Heartbeat = Heartbeat::new("price feed", Duration::from_secs(20));
///
/// for _price in [1, 2, 3] {
///     FEED.beat();
/// }
/// # assert_eq!(FEED.beats(), 3);
/// ```
///
/// It is judged from its first beat on.
// 128 bytes: two cache lines, since x86 prefetches them in pairs; a beat must not contend with its neighbours.
#[repr(align(128))]
pub struct Heartbeat {
    beats: AtomicU64,
    paused: AtomicU32,
    /// Calls under way of this run, as the watchdog last counted them.
    calls: AtomicU32,
    /// As many beats as it had when it was retired; `NEVER` if it was not.
    retired: AtomicU64,
    linked: AtomicBool,
    next: AtomicRef<Heartbeat>,
    /// Beats before this run: the watchdog may learn of a heartbeat only after its first beat in it.
    before: AtomicU64,
    /// The tracked task that beats it in this run, by its number.
    beater: AtomicU64,
    /// Milliseconds without a beat, as the watchdog last counted them: of all of it, and of the call that is worst off.
    quiet: AtomicU32,
    stale: AtomicU32,
    /// Milliseconds that it may take, as the watchdog last judged it.
    allowed: AtomicU32,
    beaten: AtomicBool,
    /// Nothing is to be noted at the next beat.
    is_noted: AtomicBool,
    /// The task that beats it waits.
    rests: AtomicBool,
    /// Its place among those that the watchdog knows.
    index: AtomicU32,
    name: &'static str,
    limit: Option<Duration>,
    arm: Arm,
    place: Place,
    kind: Kind,
}

/// No heartbeat beats so often.
const NEVER: u64 = u64::MAX;

const _: () = assert!(size_of::<Heartbeat>() == 128, "no heartbeat takes a third cache line");

impl Linked for Heartbeat {
    fn next(&self) -> &AtomicRef<Heartbeat> {
        &self.next
    }
}

impl Heartbeat {
    /// A heartbeat that is judged from its first beat, at the given limit.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str, limit: Duration) -> Heartbeat {
        let place = Place::of(Location::caller());
        Heartbeat { kind: Kind::Manual, ..Heartbeat::declare(name, Some(limit), Arm::FirstBeat, place) }
    }

    /// `limit`: `None` is the watchdog's `timeout`.
    pub(crate) const fn declare(
        name: &'static str,
        limit: Option<Duration>,
        arm: Arm,
        place: Place,
    ) -> Heartbeat {
        Heartbeat {
            beats: AtomicU64::new(0),
            paused: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            retired: AtomicU64::new(NEVER),
            linked: AtomicBool::new(false),
            next: AtomicRef::none(),
            before: AtomicU64::new(0),
            beater: AtomicU64::new(0),
            quiet: AtomicU32::new(0),
            stale: AtomicU32::new(0),
            allowed: AtomicU32::new(0),
            beaten: AtomicBool::new(false),
            is_noted: AtomicBool::new(false),
            rests: AtomicBool::new(false),
            index: AtomicU32::new(0),
            name,
            limit,
            arm,
            place,
            kind: Kind::Annotated,
        }
    }

    pub(crate) const fn built_in(name: &'static str, kind: Kind, place: Place) -> Heartbeat {
        Heartbeat { kind, ..Heartbeat::declare(name, None, Arm::Start, place) }
    }

    /// Says that the work goes on. Costs about a nanosecond; any thread may call it.
    #[inline]
    pub fn beat(&'static self) {
        if !self.is_noted.load(Relaxed) {
            self.note();
        }
        // Load and store, not fetch_add: a lost update between two beaters still changes the value,
        // and that is all the watchdog looks at. Relaxed: no other memory is published by a beat.
        self.beats.store(self.beats.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

impl Heartbeat {
    /// While the guard lives this heartbeat is not judged; it is armed again, and beats, when the guard is dropped.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use lifecycle::Heartbeat;
    /// static IMPORT: Heartbeat = Heartbeat::new("import", Duration::from_secs(5));
    ///
    /// let guard = IMPORT.pause("nightly compaction takes minutes");
    /// // … a long, legitimate operation …
    /// drop(guard);
    /// ```
    pub fn pause(&'static self, reason: &'static str) -> HeartbeatPause {
        self.paused.fetch_add(1, AcqRel);
        tracing::debug!(target: "lifecycle", heartbeat = self.name, reason, "heartbeat paused");
        HeartbeatPause { heartbeat: self }
    }

    /// Takes it out of judgement until its next beat: for work that is done for good, or for long.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use lifecycle::Heartbeat;
    /// static IMPORT: Heartbeat = Heartbeat::new("import", Duration::from_secs(20));
    ///
    /// for _row in 0..3 {
    ///     IMPORT.beat();
    /// }
    /// IMPORT.retire(); // everything is imported
    /// ```
    pub fn retire(&self) {
        self.retired.store(self.beats(), Relaxed);
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How often it has beaten since the process started.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Relaxed)
    }

    /// Where it was declared.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn declared(&'static self) -> &'static Place {
        &self.place
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn is_built_in(&self) -> bool {
        matches!(self.kind, Kind::Runtime | Kind::Init)
    }

    /// The built-in one that beats from inside the runtime.
    pub(crate) fn is_probe(&self) -> bool {
        self.kind == Kind::Runtime
    }

    pub(crate) fn arm(&self) -> Arm {
        self.arm
    }

    /// Beats before this run.
    pub(crate) fn before(&self) -> u64 {
        self.before.load(Relaxed)
    }

    /// A run begins, and none of its code has.
    pub(crate) fn begin_run(&self) {
        self.before.store(self.beats(), Relaxed);
        self.beaten.store(false, Relaxed);
        self.forget_beater();
    }

    /// Makes the heartbeat known to the watchdog, once.
    #[cold]
    pub(crate) fn link(&'static self) {
        // AcqRel: the winner alone pushes it.
        if !self.linked.swap(true, AcqRel) {
            known::HEARTBEATS.push(self);
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
