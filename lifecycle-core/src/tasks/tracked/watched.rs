//! The tasks that the watchdog looks at in each tick: a list that holds what lives, and not every slot that there ever was.
//!
//! | a slot is | who moves it on |
//! |---|---|
//! | in no list | `set_live` puts it among the new ones: the thread that spawns a task |
//! | among the new ones | the watchdog takes all of them into its own list |
//! | in the watchdog's list | the watchdog, once its task is gone: in no list |

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::TrackedTask;
use crate::os::atomic_ref::{AtomicRef, Linked, StaticList};

/// Of a slot.
#[derive(Default)]
pub(super) struct Watched {
    /// It is in a list, or about to be.
    is_listed: AtomicBool,
    task: AtomicRef<TrackedTask>,
    next: AtomicRef<Watched>,
}

/// Those that the watchdog has not seen.
static NEW: StaticList<Watched> = StaticList::new();

/// The watchdog's own.
static LIST: AtomicRef<Watched> = AtomicRef::none();

impl Linked for Watched {
    fn next(&self) -> &AtomicRef<Watched> {
        &self.next
    }
}

/// Calls `f` with each task that lives. For the watchdog alone; takes no lock and allocates nothing.
pub(crate) fn watched_tasks(mut f: impl FnMut(&'static TrackedTask)) {
    let mut new = NEW.take();
    while let Some(watched) = new {
        new = watched.next.load();
        watched.next.store(LIST.load());
        LIST.store(Some(watched));
    }
    let (mut at, mut before) = (LIST.load(), None::<&Watched>);
    while let Some(watched) = at {
        // First: once it has left, its next task may list it again.
        at = watched.next.load();
        let Some(task) = watched.task.load() else { continue };
        if task.leaves() {
            match before {
                Some(before) => before.next.store(at),
                None => LIST.store(at),
            }
        } else {
            before = Some(watched);
            f(task);
        }
    }
}

impl TrackedTask {
    pub(super) fn set_live(&'static self) {
        // SeqCst, with `leaves`: if both come at a time, one of them sees the other, and the slot stays listed.
        self.live.store(true, SeqCst);
        if !self.watched.is_listed.swap(true, SeqCst) {
            self.watched.task.store(Some(self));
            NEW.push(&self.watched);
        }
    }

    /// Whether it leaves the list: its task is gone.
    fn leaves(&self) -> bool {
        if self.live.load(SeqCst) {
            return false;
        }
        self.watched.is_listed.store(false, SeqCst);
        // A task that has begun meanwhile may not have listed itself.
        !self.live.load(SeqCst) || self.watched.is_listed.swap(true, SeqCst)
    }

    /// Whether this poll was not warned about yet; from now on it was.
    pub(crate) fn warn_once(&self, polls: u64) -> bool {
        self.warned.swap(polls, Relaxed) != polls
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;
    use crate::os::lock::lock;

    /// The list has one reader: tests take turns.
    static TURN: Mutex<()> = Mutex::new(());

    fn seen() -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        watched_tasks(|task| assert!(seen.insert(task.address()), "listed twice"));
        seen
    }

    fn length() -> usize {
        std::iter::successors(LIST.load(), |watched| watched.next.load()).count()
    }

    #[test]
    fn what_is_gone_costs_nothing() {
        let _turn = lock(&TURN);
        let before = seen().len();
        let many: Vec<_> = (0..1000).map(|_| TrackedTask::acquire("many")).collect();
        let addresses: BTreeSet<_> = many.iter().map(|task| task.address()).collect();
        assert!(seen().is_superset(&addresses));
        many.into_iter().for_each(TrackedTask::release);
        let _ = seen();
        assert!(length() < before + 500, "{} of {before}", length());
    }

    /// Slots are used again while they leave the list: each task that lives is seen.
    #[test]
    fn what_lives_is_always_seen() {
        let _turn = lock(&TURN);
        std::thread::scope(|scope| {
            let churn = || {
                for _ in 0..20_000 {
                    TrackedTask::acquire("churn").release();
                }
            };
            let threads = [scope.spawn(churn), scope.spawn(churn)];
            while threads.iter().any(|thread| !thread.is_finished()) {
                let task = TrackedTask::acquire("lives");
                assert!(seen().contains(&task.address()));
                task.release();
            }
        });
    }
}
