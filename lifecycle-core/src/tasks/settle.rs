//! Whose failure ended main.
//!
//! A task that fails drops its channels first and is known to have failed a moment later. Main may see a closed channel, and
//! return, in that moment; the failure is the cause all the same. So when main ends while tasks are in a poll, the run goes
//! on until those polls are over.

use std::time::Duration;

use super::run::{MAIN, Run, State, Task};
use crate::model::cause::Cause;
use crate::model::report::{TaskReport, TaskResult};

/// A task that fails is through with it long before; one that is busy is not waited for any longer.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(100);

/// The end of a poll tells nobody.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

impl Run {
    /// While the cause may still turn out to be another: after which time to ask again.
    pub(crate) fn is_unsettled_for(&self) -> Option<Duration> {
        let mut state = self.state();
        let (_, ended) = state.cause.as_ref()?;
        if self.clock.now() >= *ended + SETTLE_TIMEOUT {
            state.polled_at_end_of_main.clear();
        }
        let State { tasks, polled_at_end_of_main, .. } = &mut *state;
        polled_at_end_of_main
            .retain(|id, poll| tasks.get(id).is_some_and(|task| task.slot.is_in_poll(*poll)));
        (!polled_at_end_of_main.is_empty()).then_some(LOOK_INTERVAL)
    }
}

impl State {
    /// To be called when main has ended for good, and is no task any more.
    pub(super) fn note_polled(&mut self) {
        let polled = self.tasks.iter().filter(|(_, task)| task.slot.is_polled());
        self.polled_at_end_of_main = polled.map(|(id, task)| (*id, task.slot.polls())).collect();
    }

    /// If the task that has failed was just about to when main ended, its failure will be the cause, and main's is a row.
    pub(super) fn reopen_for(&mut self, id: u64, task: &Task) {
        if self.polled_at_end_of_main.get(&id) != Some(&task.slot.polls()) {
            return;
        }
        self.polled_at_end_of_main.clear();
        let result = match self.cause.take() {
            Some((Cause::MainFailed(text), _)) => TaskResult::Failed(text),
            Some((Cause::MainPanicked(message), _)) => TaskResult::Panicked(message),
            _ => return,
        };
        self.failures.push(TaskReport { name: MAIN.to_owned(), place: None, result, count: 1, age: None });
    }
}
