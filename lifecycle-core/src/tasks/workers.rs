//! The workers of the service's runtime, watched from outside by tokio's own counters: one that neither parks nor finishes a
//! round of polls is held up by a poll, of whatever task of whatever library.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics, worker_index};

use crate::os::clock::{millis, nanos, ticked};
use crate::os::lock::{lock, try_lock};
use crate::os::process::thread_id;

/// The threads of the workers, by index; each is known once it has parked, and 0 before. The runtime's own hook holds it, so it must
/// not hold the runtime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Arc<OnceLock<Vec<AtomicU32>>>);

impl Threads {
    /// The calling thread is about to park.
    pub(crate) fn parks(&self) {
        let slot = self.0.get().zip(worker_index()).and_then(|(threads, index)| threads.get(index));
        let own = thread_id();
        // Loads first: it is a store once in the life of a thread.
        if let Some(slot) = slot.filter(|slot| slot.load(Relaxed) != own) {
            slot.store(own, Relaxed);
        }
    }

    fn get(&self, index: usize) -> u32 {
        self.0.get().and_then(|threads| threads.get(index)).map_or(0, |thread| thread.load(Relaxed))
    }
}

/// Of one runtime.
pub(crate) struct Workers {
    runtime: Handle,
    metrics: RuntimeMetrics,
    threads: Threads,
    workers: Vec<Worker>,
}

#[derive(Default)]
struct Worker {
    /// The counters as they were at the last look that saw them change, and the watchdog's tick then.
    parks: AtomicU64,
    busy: AtomicU64,
    since: AtomicU64,
    /// It has been warned about since they changed.
    warned: AtomicBool,
    /// The others have been woken since they changed.
    relieved: AtomicBool,
}

/// A worker that has been busy for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) index: usize,
    /// 0 if it has never parked: then it is not known.
    pub(crate) thread: u32,
    pub(crate) time: Duration,
}

/// Process-wide, as the watchdog is, which looks at those of the current run.
static WORKERS: Mutex<Option<Workers>> = Mutex::new(None);

impl Workers {
    /// Of this runtime; the watchdog looks at them until `forget`.
    pub(crate) fn watch(runtime: &Handle, threads: Threads) {
        let (runtime, metrics) = (runtime.clone(), runtime.metrics());
        let count = metrics.num_workers();
        threads.0.get_or_init(|| (0..count).map(|_| AtomicU32::new(0)).collect());
        let workers = (0..count).map(|_| Worker::default()).collect();
        *lock(&WORKERS) = Some(Workers { runtime, metrics, threads, workers });
    }

    /// Hands on those that have been busy for longer than `limit`, each once. Returns whether one of the others should be
    /// woken. Takes no lock and allocates nothing.
    fn look(&self, limit: Duration, mut f: impl FnMut(Busy)) -> bool {
        let (mut is_held_up, mut are_others_asleep) = (false, self.workers.len() > 1);
        for (index, worker) in self.workers.iter().enumerate() {
            let parks = self.metrics.worker_park_unpark_count(index);
            let busy = nanos(self.metrics.worker_total_busy_duration(index));
            let is_new =
                worker.parks.swap(parks, Relaxed) != parks || worker.busy.swap(busy, Relaxed) != busy;
            are_others_asleep &= !is_new;
            // Odd while it is parked.
            if is_new || parks % 2 == 1 {
                worker.since.store(ticked(), Relaxed);
                worker.warned.store(false, Relaxed);
                worker.relieved.store(false, Relaxed);
                continue;
            }
            is_held_up |= !worker.relieved.load(Relaxed);
            let time = ticked().saturating_sub(worker.since.load(Relaxed));
            let thread = self.threads.get(index);
            if time > millis(limit) && !worker.warned.swap(true, Relaxed) {
                f(Busy { index, thread, time: Duration::from_millis(time) });
            }
        }
        let is_unattended = is_held_up && are_others_asleep;
        if is_unattended {
            self.workers.iter().for_each(|worker| worker.relieved.store(true, Relaxed));
        }
        is_unattended
    }
}

/// Nobody looks at them any more.
pub(crate) fn forget() {
    *lock(&WORKERS) = None;
}

/// For the watchdog, at each tick: waits for no lock and allocates nothing. Returns whether `wake_one` is due: one worker is
/// held up, and all others sleep.
pub(crate) fn for_each_busy(limit: Duration, f: impl FnMut(Busy)) -> bool {
    let workers = try_lock(&WORKERS);
    workers.as_deref().and_then(Option::as_ref).is_some_and(|workers| workers.look(limit, f))
}

/// A worker that waits for I/O and timers, and then gets one single task, wakes nobody to wait for them in its place: while the
/// task blocks, the whole runtime stands still (tokio-rs/tokio#4730). A task that does nothing wakes somebody.
pub(crate) fn wake_one() {
    let runtime = lock(&WORKERS).as_ref().map(|workers| workers.runtime.clone());
    if let Some(runtime) = runtime {
        runtime.spawn(async {});
    }
}
