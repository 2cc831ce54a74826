//! A tracked task that is a hook, and the thread that works for it.

use super::tracked::{CURRENT, TrackedTask};
use crate::model::place::Place;

/// A slot that is released at the end, however that comes.
pub(crate) struct OwnedTask {
    task: &'static TrackedTask,
    /// What was current on this thread before, if the thread works for it.
    outer: Option<Option<&'static TrackedTask>>,
}

impl OwnedTask {
    pub(crate) fn hook(name: &str, declared: &'static Place) -> OwnedTask {
        let task = TrackedTask::acquire(name);
        task.declared_at(declared);
        OwnedTask { task, outer: None }
    }

    pub(crate) fn get(&self) -> &'static TrackedTask {
        self.task
    }

    /// Until it is dropped, this thread works for it: that is no poll, and may take as long as it likes.
    pub(crate) fn on_this_thread(mut self) -> OwnedTask {
        self.task.begin_thread();
        self.outer = Some(CURRENT.replace(Some(self.task)));
        self
    }
}

impl Drop for OwnedTask {
    fn drop(&mut self) {
        if let Some(outer) = self.outer {
            CURRENT.set(outer);
        }
        self.task.end();
        self.task.release();
    }
}
