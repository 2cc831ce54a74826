//! What a task's end means for its run.

use std::sync::Arc;

use super::catch_panic::Ended;
use super::run::{MAIN, Run, Task};
use super::stop::Stop;
use super::tracked::TrackedTask;
use crate::model::cause::Cause;
use crate::model::failure::Meaning;
use crate::model::outcome::Failed;
use crate::model::place::Place;
use crate::model::report::{TaskReport, TaskResult};

impl Run {
    /// Makes a task known until its `Membership` is dropped.
    pub(crate) fn join(self: &Arc<Self>, name: &str, place: Option<Place>, stop: Stop) -> Membership {
        let slot = TrackedTask::acquire(name);
        let mut state = self.state();
        let id = state.next_task;
        state.next_task += 1;
        state.tasks.insert(id, Task { name: name.into(), place, slot, stop, is_dropping: false });
        Membership { run: self.clone(), id, slot }
    }
}

/// A task's place among the tracked ones; given up when the task ends, by whatever end.
pub(crate) struct Membership {
    pub(super) run: Arc<Run>,
    pub(super) id: u64,
    pub(crate) slot: &'static TrackedTask,
}

impl Membership {
    /// Main ended: that ends the run, well or not.
    pub(crate) fn main_ended(self, ended: Ended) {
        self.leave(Some(match ended {
            Ended::Well => (Cause::MainReturned, None, None),
            Ended::Failed(Failed { text, meaning }) => {
                (Cause::MainFailed(text.clone()), Some(TaskResult::Failed(text)), meaning)
            }
            Ended::Panicked(Failed { text, meaning }) => {
                (Cause::MainPanicked(text.clone()), Some(TaskResult::Panicked(text)), meaning)
            }
        }));
    }

    /// A tracked task ended: nothing follows if it ended well.
    pub(crate) fn task_ended(self, name: &str, ended: Ended) {
        let task = name.to_owned();
        match ended {
            Ended::Well => {}
            Ended::Failed(Failed { text, meaning }) => {
                let cause = Cause::TaskFailed { task, error: text.clone() };
                self.leave(Some((cause, Some(TaskResult::Failed(text)), meaning)));
            }
            Ended::Panicked(Failed { text, meaning }) => {
                let cause = Cause::TaskPanicked { task, message: text.clone() };
                self.leave(Some((cause, Some(TaskResult::Panicked(text)), meaning)));
            }
        }
    }

    /// In one step with what its end means for the run: whoever looks finds it live in a run that goes on, or gone and the
    /// cause there. If the run ends already, a failure is a row of its report.
    fn leave(&self, end: Option<(Cause, Option<TaskResult>, Option<Meaning>)>) {
        let mut state = self.run.state();
        let Some(task) = state.tasks.remove(&self.id) else { return };
        // The shutdown waits for the last task that is dropped, or for one that observes it.
        let is_announced = state.cause.is_some() && !self.run.is_stopping();
        let is_awaited = if task.is_dropping {
            state.dropping = state.dropping.saturating_sub(1);
            state.dropping == 0
        } else {
            is_announced || self.run.is_stopping() && task.slot.observed_shutdown()
        };
        let mut is_end = false;
        if let Some((cause, result, meaning)) = end {
            if result.is_some() {
                state.reopen_for(self.id, &task);
            }
            is_end = self.run.set_cause(&mut state, cause, meaning);
            let (name, place) = (task.name.to_string(), task.place);
            let row = |result| TaskReport { name, place, result, count: 1, age: None };
            state.failures.extend(result.filter(|_| !is_end).map(row));
            if is_end && &*task.name == MAIN {
                state.note_polled();
            }
        }
        let is_settled = state.polled_at_end_of_main.is_empty();
        drop(state);
        if is_end && is_settled {
            self.run.stop();
        }
        self.slot.release();
        if is_awaited || is_end {
            self.run.wakeup.notify();
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave(None);
    }
}
