//! What is under way in a run besides its tasks: begun, ended by itself, or cut.

use super::catch_panic::quietly;
use super::run::Run;
use super::work::Work;

impl Run {
    pub(super) fn begin_work(&self, work: Work) -> u64 {
        let mut state = self.state();
        state.next_task += 1;
        let number = state.next_task;
        state.work.insert(number, work);
        number
    }

    pub(super) fn end_work(&self, number: u64) {
        let mut state = self.state();
        let was_last = state.work.remove(&number).is_some() && state.work.is_empty();
        let was_last_to_end = state.ending.remove(&number) && state.ending.is_empty();
        if (was_last || was_last_to_end) && self.is_stopping() {
            self.wakeup.notify();
        }
    }

    #[cfg(feature = "tower")]
    pub(super) fn ends_when_cut(&self, number: u64) {
        if let Some(work) = self.state().work.get_mut(&number) {
            work.ends_when_cut = true;
        }
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.state().work.is_empty()
    }

    /// What is under way besides tasks, the oldest first.
    pub(crate) fn work(&self) -> Vec<Work> {
        self.state().work.values().cloned().collect()
    }

    /// What is under way is not waited for any more, but for the moment that some of it needs to end.
    pub(crate) fn cut_work(&self) -> Vec<Work> {
        let mut state = self.state();
        let work = std::mem::take(&mut state.work);
        state.ending =
            work.iter().filter(|(_, work)| work.ends_when_cut).map(|(number, _)| *number).collect();
        drop(state);
        // Outside the lock, as in `stop`.
        quietly(|| self.cut.cancel());
        work.into_values().collect()
    }

    /// Whether something that was cut is just ending.
    pub(crate) fn is_cut_work_ending(&self) -> bool {
        !self.state().ending.is_empty()
    }
}
