//! One step at work: its hooks, claimed by drivers on the runtime, watched from outside.

mod driver;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::bell::Bell;
use crate::claims::{self, Before, Claims};
use crate::component::{HookFuture, Instance};
use crate::listen::Owned;
use crate::registry::{Declared, Step};
use crate::report::{HookReport, HookResult};
use crate::unwind::{Caught, Ended};
pub(crate) use driver::add_driver;

/// The hooks of a step that is being run.
pub(crate) struct Work {
    bell: Arc<Bell>,
    /// Each hook, and the number of jobs up to its last.
    hooks: Vec<(&'static Declared, usize)>,
    claims: Claims<Option<Instance>, Running, End>,
}

/// A hook and an instance, on their way.
pub(crate) type Slot = claims::Slot<Option<Instance>, Running, End>;

/// What became of it; the rest of its report is known from its declaration.
pub(crate) struct End {
    result: HookResult,
    took: Duration,
}

/// A hook that was called.
pub(crate) struct Running {
    since: Instant,
    /// Between its first poll and its second: whoever drives may take it from here.
    parked: Option<Caught<HookFuture>>,
    abort: Option<AbortHandle>,
}

impl Work {
    pub(crate) fn new(step: Step, bell: Arc<Bell>) -> Work {
        let mut hooks = Vec::with_capacity(step.hooks.len());
        let mut all = Vec::new();
        for (declared, mut slots) in step.hooks {
            // Of a single hook, however many its instances are, nothing is moved.
            if all.is_empty() {
                all = slots;
            } else {
                all.append(&mut slots);
            }
            hooks.push((declared, all.len()));
        }
        Work { bell, hooks, claims: Claims::new(all) }
    }

    /// How many jobs there are: a hook for an instance each.
    pub(crate) fn len(&self) -> usize {
        self.hooks.last().map_or(0, |(_, end)| *end)
    }

    fn declared(&self, index: usize) -> &'static Declared {
        self.hooks[self.hooks.partition_point(|(_, end)| *end <= index)].0
    }

    /// Makes what a hook does visible to reports.
    fn ear(&self, index: usize) -> Owned {
        let declared = self.declared(index);
        Owned::hook(declared.name, &declared.place)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.claims.is_done()
    }

    /// Grows as long as drivers get on: by first polls, then by second ones.
    pub(crate) fn progress(&self) -> usize {
        self.claims.progress()
    }

    /// Whether drivers have nothing left to do: what has not ended is up to itself.
    pub(crate) fn is_driven(&self) -> bool {
        self.progress() == 2 * self.len()
    }

    /// Whether a hook waits for a driver: it was not called, or it waits for its second poll.
    pub(crate) fn needs_driver(&self) -> bool {
        let parked =
            |index| self.claims.while_running(index, |running| running.parked.is_some()) == Some(true);
        self.claims.has_waiting() || (0..self.len()).any(parked)
    }

    /// The hooks that were called and have not ended; waits for no lock.
    pub(crate) fn running(&self) -> impl Iterator<Item = &'static Declared> {
        let running = (0..self.len()).filter(|index| self.claims.is_seen_running(*index));
        running.map(|index| self.declared(index))
    }

    /// Ends what has not ended as late, and aborts it.
    pub(crate) fn expire(&self, runtime: &Handle) {
        self.claims.close();
        let now = Instant::now();
        let mut leftovers = Vec::new();
        for index in 0..self.len() {
            let leftover = self.end(index, HookResult::Late, now);
            if let Some(Before::Running(Running { abort: Some(abort), .. })) = &leftover {
                abort.abort();
            }
            leftovers.extend(leftover);
        }
        // The last reference may run a destructor of the user's: never on the thread that guards deadlines.
        drop(runtime.spawn_blocking(move || drop(leftovers)));
    }

    /// What became of each hook, in the order of the plan; good ends of one hook are one entry.
    pub(crate) fn report(&self, reports: &mut Vec<HookReport>) {
        let mut good: Option<(&'static Declared, usize)> = None;
        self.claims.for_each_end(|index, End { result, took }| {
            let declared = self.declared(index);
            if *result == HookResult::Done
                && let Some((last, at)) = good
                && std::ptr::eq(last, declared)
            {
                let report = &mut reports[at];
                report.instances += 1;
                report.took = report.took.max(*took);
                return;
            }
            if *result == HookResult::Done {
                good = Some((declared, reports.len()));
            }
            reports.push(HookReport::of(declared, result.clone(), *took));
        });
    }

    /// The first end counts: a hook that ends after it was late stays late.
    fn end(
        &self,
        index: usize,
        result: HookResult,
        now: Instant,
    ) -> Option<Before<Option<Instance>, Running>> {
        let over = self.claims.end(index, |running| {
            let took = running.map_or(Duration::ZERO, |running| now.saturating_duration_since(running.since));
            End { result, took }
        })?;
        if over.last {
            self.bell.ring();
        }
        Some(over.before)
    }

    /// Returns when.
    fn ended(&self, index: usize, ended: Ended) -> Instant {
        let result = match ended {
            Ended::Well => HookResult::Done,
            Ended::Failed(error) => HookResult::Failed(error),
            Ended::Panicked(message) => HookResult::Panicked(message),
        };
        let now = Instant::now();
        drop(self.end(index, result, now));
        now
    }

    /// Takes a hook that is pending after its first poll.
    fn unpark(&self, index: usize) -> Option<Caught<HookFuture>> {
        self.claims.while_running(index, |running| running.parked.take()).flatten()
    }
}
