//! From the first moment of a shutdown to its last hook: [`shut_down`], read from top to bottom.
//!
//! 1. Steps of phases up to `stop`: the hooks of one order run concurrently, the next order begins when they have ended
//!    or their time is over.
//! 2. Drain: main and tracked tasks that observe the shutdown may return; the others are dropped at once.
//! 3. The steps that are left, `persist` and `disconnect` among them. What a hook spawns is dropped when its step is over.
//!
//! What is managed meanwhile is stopped, too: its steps come next, as long as no floor of a step of the plan is touched.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::budget::{Budget, Floors};
use super::driver::{add_driver, spawn_blocking};
use super::fallback::Fallback;
use super::observer::Observer;
use super::progress::{FROZEN, ProgressMonitor};
use super::step::{InProgress, StepRun, drop_elsewhere, report};
use super::tasks::Tasks;
use super::waiting::Waiting;
use crate::components::index::{ResolvedHook, declared_hooks};
use crate::components::registry::{Registry, Step};
use crate::model::cause::Cause;
use crate::model::phase::Phase;
use crate::model::report::{HookReport, HookResult, Report};
use crate::os::flight;
use crate::os::lock::lock;
use crate::tasks::run::Run;

/// How long before a hook is late the observer hears of it: what it does must be seen before it is dropped.
const LOOK_AHEAD: Duration = Duration::from_millis(150);

/// What a shutdown works on.
pub(crate) struct Subject<'a> {
    pub(crate) registry: &'a Mutex<Registry>,
    pub(crate) run: &'a Run,
    pub(crate) runtime: &'a Handle,
    pub(crate) in_progress: &'a InProgress,
}

/// Shuts a run down. To be called on a thread of our own: no hook can hold it up.
pub(crate) fn shut_down(subject: &Subject<'_>, budget: Budget, observer: &mut dyn Observer) -> Report {
    let shutdown = pin!(shut_down_paced(subject, budget, observer));
    match shutdown.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(report) => report,
        Poll::Pending => unreachable!("the real clock waits by blocking its thread"),
    }
}

/// As `shut_down`, by the clock of the run.
pub(crate) async fn shut_down_paced(
    subject: &Subject<'_>,
    budget: Budget,
    observer: &mut dyn Observer,
) -> Report {
    let clock = subject.run.clock;
    let (cause, begun) = subject.run.cause().unwrap_or_else(|| (Cause::MainReturned, clock.now()));
    lock(subject.registry).begin();
    let mut shutdown = Shutdown::new(subject, budget, begun, observer);
    shutdown.steps(Phase::STOP.rank()).await;
    shutdown.drain().await;
    loop {
        shutdown.steps(i32::MAX).await;
        if lock(subject.registry).is_empty() || shutdown.left().is_zero() {
            break;
        }
    }
    shutdown.finish(cause)
}

struct Shutdown<'a> {
    subject: &'a Subject<'a>,
    observer: &'a mut dyn Observer,
    begun: Instant,
    deadline: Instant,
    drain: Duration,
    floors: Floors,
    /// Timeouts of the steps ahead, when they were last summed up: more than that was managed since.
    ahead: Duration,
    hooks: Vec<HookReport>,
    tasks: Tasks<'a>,
    /// Hooks that had an instance to be called for.
    called: Vec<&'static ResolvedHook>,
    fallback: Fallback,
    drain_is_ahead: bool,
}

impl<'a> Shutdown<'a> {
    fn new(
        subject: &'a Subject<'a>,
        budget: Budget,
        begun: Instant,
        observer: &'a mut dyn Observer,
    ) -> Shutdown<'a> {
        let mut shutdown = Shutdown {
            subject,
            observer,
            begun,
            deadline: begun + budget.whole,
            drain: budget.drain,
            floors: Floors::new(budget.whole),
            ahead: Duration::ZERO,
            hooks: Vec::new(),
            tasks: Tasks::new(subject.run, begun + budget.whole),
            called: Vec::new(),
            fallback: Fallback::new(subject.run.generation()),
            drain_is_ahead: true,
        };
        shutdown.floors.grow(shutdown.timeouts_ahead());
        shutdown.ahead = lock(subject.registry).timeouts_ahead();
        shutdown
    }

    /// Until the deadline.
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(self.subject.run.clock.now())
    }

    /// Of the steps of the plan that are ahead. The drain counts while somebody would be waited for.
    fn timeouts_ahead(&self) -> Duration {
        let drain = if self.drain_is_ahead { self.drain_timeout() } else { Duration::ZERO };
        lock(self.subject.registry).timeouts_ahead().saturating_add(drain)
    }

    fn drain_timeout(&self) -> Duration {
        if self.subject.run.is_drain_awaited() { self.drain } else { Duration::ZERO }
    }

    /// Of the time from `start` on what a step with this timeout may take.
    fn allot(&self, timeout: Duration, start: Instant) -> Duration {
        let left = self.deadline.saturating_duration_since(start);
        self.floors.allot(timeout, self.timeouts_ahead(), left)
    }

    async fn steps(&mut self, up_to_rank: i32) {
        loop {
            self.floors.grow(lock(self.subject.registry).timeouts_ahead().saturating_sub(self.ahead));
            // Instances that are managed late, over and over, must not keep the steps of the plan from beginning.
            let late = !self.allot(Duration::MAX, self.subject.run.clock.now()).is_zero();
            let (step, ahead) = {
                let mut registry = lock(self.subject.registry);
                (registry.next_step(up_to_rank, late), registry.timeouts_ahead())
            };
            self.ahead = ahead;
            let Some(step) = step else { return };
            self.step(step).await;
        }
    }

    async fn step(&mut self, step: Step) {
        let timeout = step.timeout;
        if let Some((hook, _)) = step.hooks.first() {
            flight::step(&format!("{} {}", hook.phase.name(), hook.order));
        }
        self.called.extend(step.hooks.iter().map(|(hook, _)| *hook));
        let now = self.subject.run.clock.now();
        let until = now + self.allot(timeout, now);
        let step = Arc::new(StepRun::new(step, until, self.begun, self.subject.run));
        self.subject.in_progress.set(Some(step.clone()));
        let was_late = self.run_step(&step, timeout).await;
        self.observer.step_is_over(was_late);
        self.subject.in_progress.set(None);
        step.report(&mut self.hooks);
        // What its hooks have spawned ends with it; before the drain it is drained.
        if !self.drain_is_ahead {
            self.tasks.drop_all(self.observer).await;
        }
    }

    /// Returns whether its time was over before its last hook had ended.
    async fn run_step(&mut self, step: &Arc<StepRun>, timeout: Duration) -> bool {
        let (clock, run) = (self.subject.run.clock, self.subject.run);
        let start = clock.now();
        let mut monitor = ProgressMonitor::new(Instant::now());
        let mut waiting = Waiting::new(clock);
        let mut warned = false;
        if step.needs_driver() {
            add_driver(step, self.subject.runtime);
        }
        spawn_blocking(step, self.subject.runtime);
        while !step.is_done() {
            self.observer.handle_events();
            // Counted anew each time: the drain's timeout is void as soon as nobody would be waited for.
            let allotted = self.allot(timeout, start);
            let left = (start + allotted).saturating_duration_since(clock.now());
            if left.is_zero() {
                step.expire();
                return true;
            }
            let ahead = LOOK_AHEAD.min(allotted / 4);
            if left <= ahead && !warned {
                warned = true;
                self.observer.timeout_is_near();
            }
            waiting.say(self.left(), || step.waits_for());
            let left = if warned { left } else { left - ahead }.min(waiting.until_next());
            if step.is_driven() {
                clock.wait(&run.wakeup, left).await;
            } else {
                clock.wait(&run.wakeup, left.min(monitor.interval)).await;
                self.unblock(step, &mut monitor, allotted);
            }
        }
        false
    }

    /// A driver that gets nowhere is blocked by a hook: more of them go on. If those do not even begin, the whole runtime
    /// is frozen, or its blocking pool full, and threads of our own call the hooks that are left.
    fn unblock(&mut self, step: &Arc<StepRun>, monitor: &mut ProgressMonitor, allotted: Duration) {
        let missing = monitor.missing(step.progress());
        if missing == 0 || !(step.needs_driver() || step.needs_thread()) {
            return;
        }
        // Early enough that a step with little time has some left on the threads. A task that could not be dropped blocks
        // a thread of the runtime: then it is not waited for.
        let frozen = if self.tasks.are_all_gone() { FROZEN.min(allotted / 4) } else { Duration::ZERO };
        if monitor.since.elapsed() >= frozen || self.fallback.is_started() {
            self.fallback.add_threads(step, missing);
        }
        if step.needs_driver() {
            for _ in 0..missing {
                add_driver(step, self.subject.runtime);
            }
        }
    }

    /// Tasks that never check for the shutdown are dropped as soon as no work is under way; the others may return until the
    /// drain is over.
    async fn drain(&mut self) {
        self.drain_is_ahead = false;
        flight::step("drain");
        self.tasks.wait_for_first_polls(self.observer).await;
        let start = self.subject.run.clock.now();
        let until = start + self.allot(self.drain_timeout(), start);
        self.tasks.wait_for_observers(self.observer, until).await;
        self.tasks.cut_work(self.observer).await;
        self.tasks.drop_all(self.observer).await;
        let kept = lock(self.subject.registry).take_kept();
        kept.into_iter().for_each(drop_elsewhere);
    }

    fn finish(self, cause: Cause) -> Report {
        let took = self.subject.run.clock.now().saturating_duration_since(self.begun);
        // Instances of the user's, whose time is over, and the memory of others.
        let left = lock(self.subject.registry).close();
        left.into_iter().for_each(drop_elsewhere);
        let mut hooks = self.hooks;
        let idle = declared_hooks().filter(|hook| !self.called.iter().any(|called| called.is_same(hook)));
        hooks.extend(idle.map(|hook| report(hook, HookResult::NotManaged, Duration::ZERO)));
        // Stable: instances keep the order in which they were managed.
        hooks.sort_by(|a, b| a.key().cmp(&b.key()));
        Report { hooks, tasks: self.tasks.into_reports(), took, ..Report::empty(cause) }
    }
}
