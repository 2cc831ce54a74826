//! The shutdown: phase by phase, step by step, each inside its share of one absolute deadline.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::cause::Cause;
use crate::lifecycle::LifecycleManager;
use crate::phase::Phase;
use crate::registry::{Declared, declared_hooks};
use crate::report::{HookReport, HookResult, Report, TaskReport, TaskResult};
use crate::session::{Session, Stop, Task};
use crate::work::{Work, add_driver};

/// How long a shutdown may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) whole: Duration,
    pub(crate) drain: Duration,
}

/// A dropped task is gone after this, unless it blocks its thread.
const DROP_GRACE: Duration = Duration::from_millis(100);

/// A driver that has claimed nothing new for so long is taken to be blocked.
const STALL: Duration = Duration::from_millis(10);

/// The step at work, for those who must name its hooks from outside: the second Ctrl-C, the watchdog.
static AT_WORK: Mutex<Option<Arc<Work>>> = Mutex::new(None);

/// Calls `f` with each hook that is running now; takes no lock that it would have to wait for.
pub(crate) fn for_each_running(f: impl FnMut(&'static Declared)) {
    let guard = match AT_WORK.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    guard.iter().flat_map(|work| work.running()).for_each(f);
}

fn at_work() -> MutexGuard<'static, Option<Arc<Work>>> {
    AT_WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shutdown<'a> {
    manager: &'a LifecycleManager,
    session: &'a Session,
    runtime: Handle,
    deadline: Instant,
    drain: Duration,
    /// Called whenever the bell rang: signals are heard during a shutdown too.
    attend: &'a mut dyn FnMut(),
    hooks: Vec<HookReport>,
    tasks: Vec<TaskReport>,
}

/// Shuts the session down. Runs on a thread of our own: no hook can hold it up.
pub(crate) fn shut_down(
    manager: &LifecycleManager,
    session: &Session,
    runtime: &Handle,
    budget: Budget,
    attend: &mut dyn FnMut(),
) -> Report {
    let (cause, begun) = session.cause().unwrap_or_else(|| (Cause::MainReturned, Instant::now()));
    let mut shutdown = Shutdown {
        manager,
        session,
        runtime: runtime.clone(),
        deadline: begun + budget.whole,
        drain: budget.drain,
        attend,
        hooks: Vec::new(),
        tasks: Vec::new(),
    };
    manager.registry().begin();
    shutdown.steps(Phase::STOP.rank());
    shutdown.drain();
    loop {
        shutdown.steps(i32::MAX);
        if manager.registry().end() {
            break;
        }
    }
    shutdown.report(cause, begun)
}

impl Shutdown<'_> {
    fn steps(&mut self, up_to_rank: i32) {
        loop {
            let step = self.manager.registry().next_step(up_to_rank);
            let Some(step) = step else { return };
            let wish = step.wish;
            let work = Arc::new(Work::new(step, self.session.bell.clone()));
            *at_work() = Some(work.clone());
            self.step(&work, wish, up_to_rank == Phase::STOP.rank());
            *at_work() = None;
            self.hooks.extend(work.reports());
        }
    }

    fn step(&mut self, work: &Arc<Work>, wish: Duration, drain_is_ahead: bool) {
        let start = Instant::now();
        let later = self.manager.registry().wishes();
        let mut claimed = 0;
        let mut stall = STALL;
        add_driver(work, &self.runtime);
        while !work.is_done() {
            // Counted anew each time: the drain's wish is void as soon as nobody would be waited for.
            let drain = if drain_is_ahead { self.drain_wish() } else { Duration::ZERO };
            let share =
                share(wish, later.saturating_add(drain), self.deadline.saturating_duration_since(start));
            let left = (start + share).saturating_duration_since(Instant::now());
            if left.is_zero() {
                work.expire(&self.runtime);
                return;
            }
            let all_claimed = work.claimed() == work.len();
            self.session.bell.wait(Some(if all_claimed { left } else { left.min(stall) }));
            if !all_claimed {
                if work.claimed() == claimed {
                    add_driver(work, &self.runtime);
                    stall *= 2;
                }
                claimed = work.claimed();
            }
            (self.attend)();
        }
    }

    fn drain_wish(&self) -> Duration {
        if self.session.has_listeners() { self.drain } else { Duration::ZERO }
    }

    /// Deaf tasks are dropped at once; those that listen may return until the drain's share is over.
    fn drain(&mut self) {
        let start = Instant::now();
        let later = self.manager.registry().wishes();
        let left = self.deadline.saturating_duration_since(start);
        let until = start + share(self.drain_wish(), later, left);
        let deaf = |task: &Task| !task.ear.listens() && !matches!(task.stop, Stop::Thread);
        self.drop_tasks(deaf);
        self.wait_while(until, Session::has_listeners);
        let late: Vec<Task> = self.listeners();
        self.drop_tasks(|task| task.ear.listens());
        let stuck = self.listeners();
        for task in late {
            let is_stuck = stuck.iter().any(|other| std::ptr::eq(other.ear, task.ear));
            let result = if is_stuck { TaskResult::Stuck } else { TaskResult::Dropped };
            self.tasks.push(TaskReport { name: task.name.to_string(), place: task.place, result });
        }
    }

    fn listeners(&self) -> Vec<Task> {
        self.session.tasks().into_values().filter(|task| task.ear.listens()).collect()
    }

    /// Drops the tasks that `which` picks, and waits a moment until they are gone.
    fn drop_tasks(&mut self, which: impl Fn(&Task) -> bool) {
        let chosen: Vec<u64> =
            self.session.tasks().into_iter().filter(|(_, task)| which(task)).map(|(id, _)| id).collect();
        if chosen.is_empty() {
            return;
        }
        for (id, task) in self.session.tasks() {
            if chosen.binary_search(&id).is_ok() {
                task.stop.request();
            }
        }
        let until = (Instant::now() + DROP_GRACE).min(self.deadline);
        self.wait_while(until, |session| session.tasks().keys().any(|id| chosen.binary_search(id).is_ok()));
    }

    fn wait_while(&mut self, until: Instant, condition: impl Fn(&Session) -> bool) {
        while condition(self.session) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.session.bell.wait(Some(left));
            (self.attend)();
        }
    }

    fn report(mut self, cause: Cause, begun: Instant) -> Report {
        self.tasks.extend(self.session.take_failures());
        let mut hooks = self.hooks;
        let called: std::collections::HashSet<_> =
            hooks.iter().map(|hook| (hook.place, hook.name.clone())).collect();
        for declared in declared_hooks() {
            if !called.contains(&(declared.place, declared.name.clone())) {
                let Declared { name, phase, order, place, .. } = declared;
                let (result, took) = (HookResult::NotManaged, Duration::ZERO);
                hooks.push(HookReport {
                    phase: *phase,
                    order: *order,
                    name: name.clone(),
                    place: *place,
                    result,
                    took,
                });
            }
        }
        // Stable: instances keep the order in which they were managed.
        hooks.sort_by(|a, b| {
            let key = |hook: &HookReport| (hook.phase.rank(), hook.phase.name(), hook.order);
            (key(a), &a.name).cmp(&(key(b), &b.name))
        });
        Report { cause, hooks, tasks: self.tasks, took: begun.elapsed() }
    }
}

/// The deadline rule: a step that wishes `wish` gets it if everything later fits in too, else its share of what is left.
fn share(wish: Duration, later: Duration, left: Duration) -> Duration {
    let all = wish.saturating_add(later);
    if left >= all {
        return wish;
    }
    // all > left >= 0, so it is not zero.
    wish.mul_f64(left.as_secs_f64() / all.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gets_its_wish_or_its_share() {
        let seconds = Duration::from_secs_f64;
        for (wish, later, left, expected) in [
            (5.0, 15.0, 25.0, 5.0),
            (5.0, 15.0, 20.0, 5.0),
            (5.0, 15.0, 10.0, 2.5),
            (5.0, 0.0, 2.0, 2.0),
            (0.0, 0.0, 0.0, 0.0),
            (5.0, 5.0, 0.0, 0.0),
        ] {
            assert_eq!(
                share(seconds(wish), seconds(later), seconds(left)),
                seconds(expected),
                "{wish} {later} {left}"
            );
        }
    }

    #[test]
    fn hanging_steps_share_the_budget_and_the_last_one_is_not_starved() {
        let wishes = [3.0, 1.0, 4.0];
        let mut left = 4.0;
        let mut got = Vec::new();
        for (index, wish) in wishes.iter().enumerate() {
            let later: f64 = wishes[index + 1..].iter().sum();
            let seconds = Duration::from_secs_f64;
            let share = share(seconds(*wish), seconds(later), seconds(left)).as_secs_f64();
            left -= share;
            got.push(share);
        }
        for (got, expected) in got.iter().zip([1.5, 0.5, 2.0]) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }
}
