//! The shutdown: phase by phase, step by step, each inside its share of one absolute deadline.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::cause::Cause;
use crate::hang;
use crate::lifecycle::LifecycleManager;
use crate::phase::Phase;
use crate::registry::{Declared, declared_hooks};
use crate::report::{HookReport, HookResult, Report, TaskReport, TaskResult};
use crate::rescue::Rescue;
use crate::session::{Session, Stop, Task};
use crate::share::share;
use crate::stall::{FROZEN, Stall};
use crate::work::{Work, add_driver};

/// How long a shutdown may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) whole: Duration,
    pub(crate) drain: Duration,
}

/// A dropped task is gone after this, unless it blocks its thread.
const DROP_GRACE: Duration = Duration::from_millis(100);

/// How long before a hook is late the reporter looks at what it does.
const LOOK_AHEAD: Duration = Duration::from_millis(150);

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
    /// Called before each wait: signals are heard during a shutdown too.
    attend: &'a mut dyn FnMut(),
    hooks: Vec<HookReport>,
    tasks: Vec<TaskReport>,
    /// Hooks that had an instance to be called for.
    called: Vec<&'static Declared>,
    rescue: Rescue,
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
        called: Vec::new(),
        rescue: Rescue::default(),
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
            self.called.extend(step.hooks.iter().map(|(declared, _)| *declared));
            let work = Arc::new(Work::new(step, self.session.bell.clone()));
            *at_work() = Some(work.clone());
            self.step(&work, wish, up_to_rank == Phase::STOP.rank());
            *at_work() = None;
            work.report(&mut self.hooks);
        }
    }

    fn step(&mut self, work: &Arc<Work>, wish: Duration, drain_is_ahead: bool) {
        let start = Instant::now();
        let later = self.manager.registry().wishes();
        let mut stall = Stall::new(start);
        let mut asked = false;
        add_driver(work, &self.runtime);
        while !work.is_done() {
            (self.attend)();
            // Counted anew each time: the drain's wish is void as soon as nobody would be waited for.
            let drain = if drain_is_ahead { self.drain_wish() } else { Duration::ZERO };
            let share =
                share(wish, later.saturating_add(drain), self.deadline.saturating_duration_since(start));
            let left = (start + share).saturating_duration_since(Instant::now());
            if left.is_zero() {
                hang::late_is_settled(true);
                return work.expire(self.rescue.runtime().unwrap_or(&self.runtime));
            }
            // What a late hook waits for is gone with it: it must be seen a moment before.
            let ahead = LOOK_AHEAD.min(share / 4);
            if left <= ahead && !asked {
                asked = true;
                hang::late_is_near();
            }
            let left = if asked { left } else { left - ahead };
            if work.is_driven() {
                self.session.bell.wait(Some(left));
            } else {
                self.session.bell.wait(Some(left.min(stall.patience)));
                self.unblock(work, &mut stall, share);
            }
        }
        hang::late_is_settled(false);
    }

    /// A driver that gets nowhere is blocked by a hook: another goes on. If that one does not even begin, the whole
    /// runtime is frozen, and a runtime of our own calls the hooks that are left.
    fn unblock(&mut self, work: &Arc<Work>, stall: &mut Stall, share: Duration) {
        if !stall.is_over(work.progress()) || !work.needs_driver() {
            return;
        }
        add_driver(work, &self.runtime);
        // Early enough that a step with little time has some left on the other runtime.
        let frozen = FROZEN.min(share / 4);
        if stall.since.elapsed() >= frozen || self.rescue.runtime().is_some() {
            self.rescue.start().into_iter().for_each(|runtime| add_driver(work, runtime));
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
            (self.attend)();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.session.bell.wait(Some(left));
        }
    }

    fn report(mut self, cause: Cause, begun: Instant) -> Report {
        self.tasks.extend(self.session.take_failures());
        let mut hooks = self.hooks;
        let idle = declared_hooks()
            .iter()
            .filter(|declared| !self.called.iter().any(|c| std::ptr::eq(*c, *declared)));
        hooks.extend(idle.map(|declared| HookReport::of(declared, HookResult::NotManaged, Duration::ZERO)));
        // Stable: instances keep the order in which they were managed.
        hooks.sort_by(|a, b| a.key().cmp(&b.key()));
        Report { cause, hooks, tasks: self.tasks, took: begun.elapsed() }
    }
}
