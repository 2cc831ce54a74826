//! Each hook is called once, and what a run left behind stays stopped, in every order: loom runs the core's own `job_queue.rs`
//! and `generation/state.rs` through all interleavings of threads.

/// loom's primitives in the place of `lifecycle-core/src/os/sync.rs`.
mod os {
    pub(crate) mod sync {
        pub(crate) use loom::sync::Mutex;
        pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize};

        pub(crate) fn lock<T>(mutex: &Mutex<T>) -> loom::sync::MutexGuard<'_, T> {
            mutex.lock().expect("no test panics in it")
        }
    }
}

#[path = "../../lifecycle-core/src/shutdown/job_queue.rs"]
#[allow(dead_code)]
mod job_queue;

#[path = "../../lifecycle-core/src/tasks/generation/state.rs"]
mod generations;

use std::cell::Cell;

use generations::{Generations, Hosts, UNBOUND, of};
use job_queue::{Before, JobQueue};
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;

/// A job that is waiting is a name; one that runs may be parked; one that ended says who ended it.
type Jobs = JobQueue<&'static str, Parked, &'static str>;
type Parked = Option<&'static str>;

struct Counted {
    jobs: Jobs,
    calls: AtomicUsize,
    lasts: AtomicUsize,
}

fn counted(names: &[&'static str]) -> Arc<Counted> {
    let jobs = JobQueue::new(names.iter().copied(), names.len());
    Arc::new(Counted { jobs, calls: AtomicUsize::new(0), lasts: AtomicUsize::new(0) })
}

impl Counted {
    fn end(&self, index: usize, by: &'static str) {
        if let Some(finished) = self.jobs.end(index, |_| by) {
            self.lasts.fetch_add(usize::from(finished.last), SeqCst);
            assert!(matches!(finished.before, Before::Waiting(_) | Before::Running(_)));
        }
    }

    /// What a driver does with hooks that are ready at once.
    fn drive(&self) {
        while let Some((index, _)) = self.jobs.claim(|| None) {
            self.calls.fetch_add(1, SeqCst);
            self.end(index, "driver");
        }
    }

    /// What the orchestrator does at the deadline.
    fn expire(&self, count: usize) {
        self.jobs.close();
        (0..count).for_each(|index| self.end(index, "deadline"));
        assert_eq!(self.ends().len(), count, "the report of a step that is over has every hook");
    }

    fn ends(&self) -> Vec<&'static str> {
        let mut ends = Vec::new();
        self.jobs.for_each_end(0..self.jobs.len(), |end| ends.push(*end));
        ends
    }
}

#[test]
fn two_drivers_call_each_hook_once_and_the_last_end_is_told_once() {
    loom::model(|| {
        let counted = counted(&["a", "b"]);
        let other = counted.clone();
        let driver = thread::spawn(move || other.drive());
        counted.drive();
        driver.join().unwrap();
        assert!(counted.jobs.is_done());
        assert_eq!((counted.calls.load(SeqCst), counted.lasts.load(SeqCst)), (2, 1));
        assert_eq!(counted.ends(), ["driver", "driver"]);
    });
}

#[test]
fn the_deadline_races_with_a_driver_and_every_hook_ends_once() {
    loom::model(|| {
        let counted = counted(&["a", "b"]);
        let other = counted.clone();
        let driver = thread::spawn(move || other.drive());
        counted.expire(2);
        driver.join().unwrap();
        assert!(counted.calls.load(SeqCst) <= 2);
        assert_eq!(counted.lasts.load(SeqCst), 1);
        assert_eq!(counted.ends().len(), 2);
    });
}

#[test]
fn a_parked_hook_is_polled_again_exactly_once() {
    loom::model(|| {
        let counted = counted(&["a"]);
        let other = counted.clone();
        // The second driver finds nothing to claim and goes through the second round, perhaps too early.
        let driver = thread::spawn(move || other.poll_parked());
        if let Some((index, name)) = counted.jobs.claim(|| None) {
            counted.jobs.while_running(index, |parked| *parked = Some(name));
            if counted.jobs.had_second_round(index) {
                counted.take(index);
            }
        }
        counted.poll_parked();
        driver.join().unwrap();
        assert_eq!(counted.calls.load(SeqCst), 1);
    });
}

impl Counted {
    fn poll_parked(&self) {
        while let Some(index) = self.jobs.claim_second_round() {
            self.take(index);
        }
    }

    fn take(&self, index: usize) {
        let parked = self.jobs.while_running(index, Option::take).flatten();
        self.calls.fetch_add(usize::from(parked.is_some()), SeqCst);
    }
}

/// Run 1, hosted by a thread that was born at 10.
fn first_run() -> Arc<Generations<u32>> {
    let generations = Generations {
        state: loom::sync::atomic::AtomicU32::new(of(1)),
        hosts: loom::sync::Mutex::new(Hosts { first: None, current: None }),
    };
    generations.begin(1, &Cell::new(UNBOUND), Some(10));
    Arc::new(generations)
}

/// A thread that run 1 has bound sees its end, and nothing of the next one.
#[test]
fn for_a_thread_of_an_earlier_run_it_is_over_once_and_for_all() {
    loom::model(|| {
        let generations = first_run();
        let asks = generations.clone();
        let left_behind = thread::spawn(move || {
            let bound = Cell::new(of(1));
            let ask = || asks.is_running(&bound, || Some(11));
            let answers = [ask(), ask(), ask()];
            assert!(answers.is_sorted_by(|earlier, later| *earlier || !*later), "{answers:?}");
        });
        generations.stop(1);
        generations.begin(2, &Cell::new(UNBOUND), Some(20));
        left_behind.join().unwrap();
    });
}

/// It asks for the first time when the next run may have begun: it is of run 1, or was left behind, and never of run 2.
#[test]
fn a_thread_that_asks_late_is_not_taken_for_one_of_the_next_run() {
    loom::model(|| {
        let generations = first_run();
        let asks = generations.clone();
        let left_behind = thread::spawn(move || {
            let bound = Cell::new(UNBOUND);
            asks.is_left_behind(&bound, || Some(11));
            assert_ne!(bound.get(), of(2));
            bound.get()
        });
        generations.stop(1);
        generations.begin(2, &Cell::new(UNBOUND), Some(20));
        let bound = Cell::new(left_behind.join().unwrap());
        assert!(!generations.is_running(&bound, || Some(11)));
        assert!(generations.is_running(&Cell::new(UNBOUND), || Some(21)), "a thread of run 2");
        assert!(generations.is_running(&Cell::new(UNBOUND), || Some(9)), "a thread of the process");
    });
}

/// Two threads end run 1; the slower one is as slow as can be.
#[test]
fn a_late_stop_of_an_earlier_run_does_not_stop_the_next() {
    loom::model(|| {
        let generations = first_run();
        let slow = generations.clone();
        let slow = thread::spawn(move || slow.stop(1));
        generations.stop(1);
        let bound = Cell::new(UNBOUND);
        generations.begin(2, &bound, Some(20));
        slow.join().unwrap();
        assert!(generations.is_running(&bound, || Some(20)));
    });
}
