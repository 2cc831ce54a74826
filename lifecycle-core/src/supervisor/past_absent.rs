//! Nobody asks what was before.

use crate::config::resolve::Restart;
use crate::model::previous_run::PreviousRun;
use crate::model::report::Report;
use crate::tasks::run::Run;

#[derive(Default)]
pub(super) struct Past {}

impl Past {
    pub(super) fn is_kept_in(&self, _: &Restart) {}

    pub(super) fn found(&self, _: &PreviousRun) {}

    pub(super) fn run_begins(&self) {}

    pub(super) fn run_ended(&self, _: &Run, _: &Report, _: Option<PreviousRun>) {}
}
