//! The guard of work that a drain waits for.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "tower")]
use tokio_util::sync::CancellationToken;

use super::run::Run;
use super::work::Work;
use crate::model::place::Place;

/// Work that lasts until this is dropped. A drain waits for it, and names it while it does.
///
/// ```
/// async fn settle(order: u64) {
///     let _busy = lifecycle::busy(format!("settlement of order {order}"));
///     // … several calls that belong together …
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(settle(1));
/// ```
#[must_use = "the work is over when this is dropped: keep it as long as the work lasts"]
pub struct Busy {
    run: Option<(Arc<Run>, u64)>,
}

impl Busy {
    pub(crate) fn begin(run: Arc<Run>, what: &str, place: Place) -> Busy {
        let number =
            run.begin_work(Work { what: what.into(), place, since: Instant::now(), ends_when_cut: false });
        Busy { run: Some((run, number)) }
    }

    /// From now on it ends by itself once it is cut: by the token that is returned.
    #[cfg(feature = "tower")]
    pub(crate) fn ends_when_cut(&self) -> Option<CancellationToken> {
        let (run, number) = self.run.as_ref()?;
        run.ends_when_cut(*number);
        Some(run.cut.clone())
    }

    /// Whether its run stops.
    #[cfg(feature = "tower")]
    pub(crate) fn is_stopping(&self) -> bool {
        self.run.as_ref().is_none_or(|(run, _)| run.is_stopping())
    }

    /// Of an earlier run: nobody waits for it.
    pub(crate) fn left_behind() -> Busy {
        Busy { run: None }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some((run, number)) = self.run.take() {
            run.end_work(number);
        }
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Busy").finish_non_exhaustive()
    }
}
