//! `#[lifecycle::task]`: background tasks, spawned for each instance that is managed, or once main's body begins.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::manager::LifecycleManager;
use crate::components::declaration::{Call, HookKind, Instance, TaskRestart, future};
use crate::components::index::{ResolvedHook, declared};
use crate::model::failure::Meaning;
use crate::os::log;
use crate::tasks::address::current_number;
use crate::tasks::catch_panic::{Caught, Ended};
use crate::tasks::label::Origin;
use crate::tasks::run::Run;
use crate::watchdog::heartbeat::rest_those_of;

impl LifecycleManager {
    /// The free functions.
    pub(crate) fn spawn_declared_functions(&self) {
        declared(|kind| matches!(kind, HookKind::Task(_)))
            .filter(|task| task.hook.owner.is_none())
            .for_each(|task| self.spawn_declared(task, None));
    }

    pub(super) fn spawn_declared(&self, task: &'static ResolvedHook, instance: Option<Instance>) {
        let run = self.current_run();
        let runtime = run.runtime().cloned().unwrap_or_else(Handle::current);
        let supervised = Box::pin(supervise(run.clone(), task, instance));
        self.spawn_in(&run, &runtime, task.name, Origin::DeclaredAt(&task.place), supervised);
    }
}

/// Calls it until it ends well, or fails once too often.
async fn supervise(run: Arc<Run>, task: &'static ResolvedHook, instance: Option<Instance>) -> Ended {
    let (HookKind::Task(restart), Call::Async(call)) = (&task.kind, &task.hook.call) else {
        return Ended::Well;
    };
    let (mut failures, own) = (Failures::default(), current_number());
    loop {
        let ended = match Caught::new(|| future(*call, instance.clone())) {
            Ok(future) => future.await,
            Err(ended) => ended,
        };
        let (error, meaning) = match &ended {
            Ended::Well => return ended,
            Ended::Failed(failed) => (format!("failed: {}", failed.text), failed.meaning),
            Ended::Panicked(panic) => (format!("panicked: {}", panic.text), panic.meaning),
        };
        let Some(restart) = restart.as_ref().filter(|_| !run.is_stopping()) else { return ended };
        let Some(wait) = failures.next_wait(restart, Instant::now()) else { return ended };
        let wait = match meaning {
            None => wait,
            Some(Meaning::RetryAfter(least)) => wait.max(least),
            Some(Meaning::Permanent) => return ended,
        };
        run.count_restart(task.name);
        log::warn(format!(
            "task `{}` ({}) {error}: restart {} of {} in {wait:?}",
            task.name,
            task.place,
            failures.recent.len(),
            restart.max_restarts
        ));
        let _at_rest = rest_those_of(own);
        if run.token.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ended::Well;
        }
    }
}

/// Those that count.
#[derive(Default)]
struct Failures {
    recent: VecDeque<Instant>,
}

impl Failures {
    /// Counts one. `None`: it was one too many within the window.
    fn next_wait(&mut self, restart: &TaskRestart, now: Instant) -> Option<Duration> {
        self.recent.retain(|failure| now.saturating_duration_since(*failure) < restart.within);
        self.recent.push_back(now);
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        let doubled = 2_u32.saturating_pow(count - 1);
        (count <= restart.max_restarts).then(|| restart.wait.saturating_mul(doubled).min(restart.max_wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_old_failures_do_not_count() {
        let seconds = Duration::from_secs;
        let restart =
            TaskRestart { max_restarts: 4, within: seconds(60), wait: seconds(1), max_wait: seconds(3) };
        let start = Instant::now();
        let mut failures = Failures::default();
        for (at, wait) in [
            (0, Some(1)),
            (1, Some(2)),
            (2, Some(3)),
            (3, Some(3)),
            (4, None),
            // Those at 0 to 4 are over.
            (70, Some(1)),
            (71, Some(2)),
        ] {
            let got = failures.next_wait(&restart, start + seconds(at));
            assert_eq!(got, wait.map(seconds), "at {at}");
        }
        let none = TaskRestart { max_restarts: 0, ..restart };
        assert_eq!(Failures::default().next_wait(&none, start), None);
    }
}
