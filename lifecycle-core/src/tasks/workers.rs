//! The workers of the service's runtime, watched from outside by tokio's own counters: one that neither parks nor finishes a
//! round of polls is held up by a poll, of whatever task of whatever library.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics, worker_index};

use crate::model::status::WorkerStatus;
use crate::os::clock::{millis, nanos, ticked};
use crate::os::lock::{lock, try_lock};
use crate::os::process::thread_id;

/// For so long a worker's share is measured, in milliseconds of the watchdog's ticks.
const WINDOW: u64 = 2000;

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
    share: Share,
}

impl Worker {
    /// The clock goes on from one run to the next.
    fn new(now: u64) -> Worker {
        let share = Share { since: now.into(), ..Share::default() };
        Worker { since: now.into(), share, ..Worker::default() }
    }
}

/// How busy a worker was in the last whole window.
#[derive(Default)]
struct Share {
    /// The watchdog's tick when the window began, and for how many nanoseconds the worker had been busy by then.
    since: AtomicU64,
    busy: AtomicU64,
    /// In thousandths, plus 1; 0 is not measured yet.
    permille: AtomicU32,
}

impl Share {
    /// `under_way` are milliseconds that tokio counts only once they are over.
    fn measure(&self, busy: u64, under_way: u64) {
        let length = ticked().saturating_sub(self.since.load(Relaxed));
        if length < WINDOW {
            return;
        }
        let busy = busy.saturating_add(under_way.saturating_mul(1_000_000));
        let spent = busy.saturating_sub(self.busy.swap(busy, Relaxed));
        let permille = u32::try_from(spent / 1000 / length).unwrap_or(1000).min(1000);
        self.permille.store(permille + 1, Relaxed);
        self.since.store(ticked(), Relaxed);
    }

    fn get(&self) -> Option<f64> {
        Some(f64::from(self.permille.load(Relaxed).checked_sub(1)?) / 1000.0)
    }
}

/// What a look at a worker's counters finds.
struct Look {
    parks: u64,
    busy: u64,
    /// They are not as they were.
    is_new: bool,
}

impl Look {
    /// For how many milliseconds the worker has been in one poll, as far as it is known.
    fn under_way(&self, worker: &Worker) -> Option<u64> {
        // Odd while it is parked.
        let since = worker.since.load(Relaxed);
        let time = if self.is_new { 0 } else { ticked().saturating_sub(since) };
        self.parks.is_multiple_of(2).then_some(time)
    }
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
        let workers = (0..count).map(|_| Worker::new(ticked())).collect();
        *lock(&WORKERS) = Some(Workers { runtime, metrics, threads, workers });
    }

    fn look(&self, index: usize, worker: &Worker) -> Look {
        let parks = self.metrics.worker_park_unpark_count(index);
        let busy = nanos(self.metrics.worker_total_busy_duration(index));
        let is_new = worker.parks.load(Relaxed) != parks || worker.busy.load(Relaxed) != busy;
        Look { parks, busy, is_new }
    }

    /// Hands on those that have been busy for longer than `limit`, each once. Returns whether one of the others should be
    /// woken. Takes no lock and allocates nothing.
    fn busy(&self, limit: Duration, mut f: impl FnMut(Busy)) -> bool {
        let (mut is_held_up, mut are_others_asleep) = (false, self.workers.len() > 1);
        for (index, worker) in self.workers.iter().enumerate() {
            let look = self.look(index, worker);
            let under_way = look.under_way(worker).unwrap_or(0);
            worker.share.measure(look.busy, under_way);
            worker.parks.store(look.parks, Relaxed);
            worker.busy.store(look.busy, Relaxed);
            are_others_asleep &= !look.is_new;
            if under_way == 0 {
                worker.since.store(ticked(), Relaxed);
                worker.warned.store(false, Relaxed);
                worker.relieved.store(false, Relaxed);
                continue;
            }
            is_held_up |= !worker.relieved.load(Relaxed);
            let thread = self.threads.get(index);
            if under_way > millis(limit) && !worker.warned.swap(true, Relaxed) {
                f(Busy { index, thread, time: Duration::from_millis(under_way) });
            }
        }
        let is_unattended = is_held_up && are_others_asleep;
        if is_unattended {
            self.workers.iter().for_each(|worker| worker.relieved.store(true, Relaxed));
        }
        is_unattended
    }

    fn status(&self) -> Vec<WorkerStatus> {
        let of_one = |(index, worker): (usize, &Worker)| {
            let polling = self.look(index, worker).under_way(worker).map(Duration::from_millis);
            Some(WorkerStatus { index, busy: worker.share.get()?, polling })
        };
        self.workers.iter().enumerate().filter_map(of_one).collect()
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
    workers.as_deref().and_then(Option::as_ref).is_some_and(|workers| workers.busy(limit, f))
}

/// A worker that waits for I/O and timers, and then gets one single task, wakes nobody to wait for them in its place: while the
/// task blocks, the whole runtime stands still (tokio-rs/tokio#4730). A task that does nothing wakes somebody.
pub(crate) fn wake_one() {
    let runtime = lock(&WORKERS).as_ref().map(|workers| workers.runtime.clone());
    if let Some(runtime) = runtime {
        runtime.spawn(async {});
    }
}

/// Those that the watchdog has measured. It looks at them at its next tick, if this comes in its way.
pub(crate) fn status() -> Vec<WorkerStatus> {
    lock(&WORKERS).as_ref().map(Workers::status).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::set_ticked;

    /// One test, since there is one clock.
    #[test]
    fn a_new_run_is_measured_from_its_begin() {
        let at = |seconds| set_ticked(Duration::from_secs(seconds));
        at(100);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Workers::watch(runtime.handle(), Threads::default());
        let look = || {
            let mut busy = Vec::new();
            for_each_busy(Duration::from_secs(10), |found| busy.push(found.time.as_secs()));
            (busy, status().first().map(|worker| (worker.busy, worker.polling.map(|time| time.as_secs()))))
        };
        assert_eq!(look(), (vec![], None));
        at(101);
        assert_eq!(look(), (vec![], None));
        // It has never parked, and so it looks like one that is in its first poll.
        at(103);
        assert_eq!(look(), (vec![], Some((1.0, Some(3)))));
        at(111);
        assert_eq!(look(), (vec![11], Some((1.0, Some(11)))));
        assert!(look().0.is_empty(), "once");
        forget();
        assert_eq!(look(), (vec![], None));
    }
}
