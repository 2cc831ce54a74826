//! A tracked task that is a hook or a part of others, and the thread that works for it.

use std::time::Instant;

use super::label::Origin;
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
        OwnedTask::new(name, Origin::DeclaredAt(declared))
    }

    /// A future inside other tasks, which hang reports show.
    pub(crate) fn part(name: &str, origin: Origin) -> OwnedTask {
        let task = OwnedTask::new(name, origin);
        task.task.make_part();
        task
    }

    fn new(name: &str, origin: Origin) -> OwnedTask {
        let task = TrackedTask::acquire(name);
        task.set_origin(origin);
        OwnedTask { task, outer: None }
    }

    /// Its step ends then.
    pub(crate) fn until(self, until: Instant) -> OwnedTask {
        self.task.set_until(until);
        self
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
