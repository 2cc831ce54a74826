//! One step at work: its hooks, claimed by drivers, watched from outside.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::job_queue::{Before, JobQueue};
use super::waiting::named;
use crate::components::declaration::{Call, HookFuture, Instance};
use crate::components::index::ResolvedHook;
use crate::components::registry::{Due, Step};
use crate::model::failure::Meaning;
use crate::model::report::{HookReport, HookResult};
use crate::os::clock::Clock;
use crate::os::lock::{lock, try_lock};
use crate::os::wakeup::Wakeup;
use crate::tasks::catch_panic::{Caught, Ended, quietly};
use crate::tasks::owned::OwnedTask;
use crate::tasks::run::Run;
use crate::tasks::stop::Stop;

/// The hooks of a step that is being run: those that are `async`, and those that block a thread.
pub(super) struct StepRun {
    wakeup: Arc<Wakeup>,
    pub(super) clock: Clock,
    /// The first moment of the shutdown.
    begun: Instant,
    pub(super) asynchronous: Jobs,
    pub(super) blocking: Jobs,
    /// In the order of the plan.
    groups: Vec<Group>,
}

/// A job for each instance of each hook.
pub(super) struct Jobs {
    pub(super) queue: JobQueue<Option<Instance>, Running, Outcome>,
    /// Each hook, and the number of jobs up to its last.
    hooks: Vec<(&'static ResolvedHook, usize)>,
    /// When their step ends, as was known when it began.
    until: Instant,
}

struct Group {
    hook: &'static ResolvedHook,
    is_blocking: bool,
    jobs: Range<usize>,
}

/// What became of a job; the rest of its report is known from its declaration.
pub(super) struct Outcome {
    result: HookResult,
    /// Of the failures that were alive when it failed.
    meaning: Option<Meaning>,
    took: Duration,
    /// When it was called.
    since: Option<Instant>,
}

/// A hook that was called.
pub(super) struct Running {
    since: Instant,
    /// Between its first poll and its second: any driver may take it from here.
    pub(super) parked: Option<Caught<HookFuture>>,
    /// Boxed: most hooks never need it, and there may be a hundred thousand of them.
    stop: Option<Box<Stop>>,
}

impl Running {
    pub(super) fn since(since: Instant) -> Running {
        Running { since, parked: None, stop: None }
    }
}

impl Jobs {
    fn new(hooks: Vec<Due>, until: Instant) -> Jobs {
        let mut end = 0;
        let ends = hooks.iter().map(|(hook, instances)| {
            end += instances.len();
            (*hook, end)
        });
        let ends = ends.collect();
        let instances = hooks.into_iter().flat_map(|(_, instances)| instances);
        Jobs { hooks: ends, queue: JobQueue::new(instances, end), until }
    }

    pub(super) fn hook(&self, index: usize) -> &'static ResolvedHook {
        self.hooks[self.hooks.partition_point(|(_, end)| *end <= index)].0
    }

    /// Makes what a hook does visible to reports.
    pub(super) fn track(&self, index: usize) -> OwnedTask {
        let hook = self.hook(index);
        OwnedTask::hook(hook.name, &hook.place).until(self.until)
    }

    fn running(&self) -> impl Iterator<Item = &'static ResolvedHook> {
        let running = (0..self.queue.len()).filter(|index| self.queue.is_seen_running(*index));
        running.map(|index| self.hook(index))
    }

    /// Takes a hook that is pending after its first poll.
    pub(super) fn unpark(&self, index: usize) -> Option<Caught<HookFuture>> {
        self.queue.while_running(index, |running| running.parked.take()).flatten()
    }

    /// Notes how a running hook can be dropped. It may be late or done by then: false.
    pub(super) fn set_stop(&self, index: usize, stop: Stop) -> bool {
        self.queue.while_running(index, |running| running.stop = Some(Box::new(stop))).is_some()
    }
}

impl StepRun {
    pub(super) fn new(step: Step, until: Instant, begun: Instant, run: &Run) -> StepRun {
        let (mut asynchronous, mut blocking, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = [0, 0];
        for (hook, instances) in step.hooks {
            let is_blocking = matches!(hook.hook.call, Call::Blocking(_));
            let end = &mut ends[usize::from(is_blocking)];
            groups.push(Group { hook, is_blocking, jobs: *end..*end + instances.len() });
            *end += instances.len();
            if is_blocking { &mut blocking } else { &mut asynchronous }.push((hook, instances));
        }
        let (asynchronous, blocking) = (Jobs::new(asynchronous, until), Jobs::new(blocking, until));
        StepRun { wakeup: run.wakeup.clone(), clock: run.clock, begun, asynchronous, blocking, groups }
    }

    pub(super) fn is_done(&self) -> bool {
        self.asynchronous.queue.is_done() && self.blocking.queue.is_done()
    }

    /// Grows as long as drivers get on: by first polls, by second ones, and by calls that block.
    pub(super) fn progress(&self) -> usize {
        let Jobs { queue, .. } = &self.asynchronous;
        queue.claimed() + queue.in_second_round() + self.blocking.queue.claimed()
    }

    /// Whether drivers have nothing left to do: what has not ended is up to itself.
    pub(super) fn is_driven(&self) -> bool {
        self.progress() == 2 * self.asynchronous.queue.len() + self.blocking.queue.len()
    }

    /// Whether an `async` hook waits for a driver: it was not called, or it waits for its second poll.
    pub(super) fn needs_driver(&self) -> bool {
        let Jobs { queue, .. } = &self.asynchronous;
        let parked = |index| queue.while_running(index, |running| running.parked.is_some()) == Some(true);
        queue.claimed() < queue.len() || (0..queue.len()).any(parked)
    }

    /// Whether a hook that blocks a thread was not called yet.
    pub(super) fn needs_thread(&self) -> bool {
        self.blocking.queue.claimed() < self.blocking.queue.len()
    }

    /// The hooks that were called and have not ended; waits for no lock.
    fn running(&self) -> impl Iterator<Item = &'static ResolvedHook> {
        self.asynchronous.running().chain(self.blocking.running())
    }

    /// What keeps the step from its end, in words.
    pub(super) fn waits_for(&self) -> Vec<String> {
        let mut hooks: Vec<String> =
            self.running().map(|hook| named("hook", hook.name, Some(hook.place))).collect();
        hooks.dedup();
        hooks
    }

    /// Ends what has not ended as late, and drops it. From here on nothing of it is called.
    pub(super) fn expire(&self) {
        let mut leftovers = Vec::new();
        for jobs in [&self.asynchronous, &self.blocking] {
            jobs.queue.close();
            let now = self.clock.now();
            for index in 0..jobs.queue.len() {
                let leftover = self.end(jobs, index, (HookResult::TimedOut, None), now);
                if let Some(Before::Running(Running { stop: Some(stop), .. })) = &leftover {
                    stop.request();
                }
                leftovers.extend(leftover);
            }
        }
        drop_elsewhere(leftovers);
    }

    /// What became of each hook, in the order of the plan; good ends of one hook are one entry.
    pub(super) fn report(&self, reports: &mut Vec<HookReport>) {
        for Group { hook, is_blocking, jobs } in &self.groups {
            let queue = if *is_blocking { &self.blocking.queue } else { &self.asynchronous.queue };
            let mut good: Option<usize> = None;
            queue.for_each_end(jobs.clone(), |Outcome { result, meaning, took, since }| {
                let began = since.map_or(Duration::ZERO, |since| since.saturating_duration_since(self.begun));
                if let Some(report) = good.filter(|_| *result == HookResult::Done).map(|at| &mut reports[at])
                {
                    report.instances += 1;
                    report.took = report.took.max(*took);
                    report.began = report.began.min(began);
                    return;
                }
                if *result == HookResult::Done {
                    good = Some(reports.len());
                }
                reports.push(HookReport { began, meaning: *meaning, ..report(hook, result.clone(), *took) });
            });
        }
    }

    /// The first end counts: a hook that ends after it was late stays late.
    fn end(
        &self,
        jobs: &Jobs,
        index: usize,
        (result, meaning): (HookResult, Option<Meaning>),
        now: Instant,
    ) -> Option<Before<Option<Instance>, Running>> {
        let finished = jobs.queue.end(index, |running| {
            let since = running.map(|running| running.since);
            let took = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            Outcome { result, meaning, took, since }
        })?;
        if finished.last && self.is_done() {
            self.wakeup.notify();
        }
        Some(finished.before)
    }

    /// Returns when.
    pub(super) fn ended(&self, jobs: &Jobs, index: usize, ended: Ended) -> Instant {
        let result = match ended {
            Ended::Well => (HookResult::Done, None),
            Ended::Failed(failed) => (HookResult::Failed(failed.text), failed.meaning),
            Ended::Panicked(panic) => (HookResult::Panicked(panic.text), panic.meaning),
        };
        let now = self.clock.now();
        let before = self.end(jobs, index, result, now);
        quietly(|| drop(before));
        now
    }
}

/// The last reference may run a destructor of the user's: never on the thread that guards deadlines. Without a thread for
/// it, it is leaked.
pub(super) fn drop_elsewhere(value: impl Send + 'static) {
    let value = Arc::new(Mutex::new(Some(value)));
    let ours = value.clone();
    let work = move || quietly(|| drop(lock(&ours).take()));
    if std::thread::Builder::new().name("lifecycle-drop".into()).spawn(work).is_err() {
        std::mem::forget(value);
    }
}

pub(super) fn report(hook: &ResolvedHook, result: HookResult, took: Duration) -> HookReport {
    let ResolvedHook { name, phase, order, place, .. } = *hook;
    HookReport { phase, order, name, place, result, began: Duration::ZERO, took, instances: 1, meaning: None }
}

/// The step that a manager's shutdown is at, for those who must name its hooks from outside: the second Ctrl-C, and the
/// watchdog.
#[derive(Default)]
pub(crate) struct InProgress(Mutex<Option<Arc<StepRun>>>);

impl InProgress {
    pub(super) fn set(&self, step: Option<Arc<StepRun>>) {
        let before = std::mem::replace(&mut *lock(&self.0), step);
        drop(before);
    }

    /// Calls `f` with each hook that is running now; takes no lock that it would have to wait for, and allocates nothing.
    pub(crate) fn for_each_running(&self, f: impl FnMut(&'static ResolvedHook)) {
        if let Some(step) = try_lock(&self.0) {
            step.iter().flat_map(|step| step.running()).for_each(f);
        }
    }
}
