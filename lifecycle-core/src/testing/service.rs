//! A service under test, and how it is to end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::once::{Body, run};
use super::script::Script;
use crate::model::cause::{Cause, Signal};
use crate::model::outcome::MainOutcome;
use crate::model::report::Report;

/// A service under test: `app` is its main, run under a manager of its own, in paused time unless [`real_time`](Service::real_time) says otherwise.
///
/// ```
/// use std::time::Duration;
/// use lifecycle::test::Service;
///
/// async fn app() -> Result<(), std::io::Error> {
///     lifecycle::stopping().await;
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let report = Service::new(app).stop_after(Duration::from_secs(3600)).run().await;
/// assert!(report.is_success(), "{report}");
/// # });
/// ```
#[derive(Clone)]
#[must_use = "nothing runs before `run`"]
pub struct Service {
    pub(super) body: Body,
    pub(super) script: Script,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("script", &self.script).finish_non_exhaustive()
    }
}

impl Service {
    /// `app` is called once for each run: state that the test looks at is made outside, or in the closure that calls it.
    pub fn new<F, Fut>(app: F) -> Service
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: MainOutcome,
    {
        let body: Body = Arc::new(move || {
            let main = app();
            Box::pin(async move { main.await.main_outcome() })
        });
        Service { body, script: Script::new() }
    }

    /// Stops it by SIGTERM after so much of its time; otherwise it runs until its main ends or calls `shutdown`.
    pub fn stop_after(self, time: Duration) -> Service {
        self.signal_after(Signal::Terminate, time)
    }

    /// Stops it by SIGTERM, SIGINT or SIGHUP as soon as it first waits. No signal is sent: it is the report's cause.
    pub fn signal(self, signal: Signal) -> Service {
        self.signal_after(signal, Duration::ZERO)
    }

    /// As [`signal`](Service::signal), after so much of its time.
    pub fn signal_after(mut self, signal: Signal, time: Duration) -> Service {
        self.script.end = Some((Cause::Signal(signal), time));
        self
    }

    /// After so much of its time main is dropped, as if it had failed there; hooks run as after any crash.
    pub fn crash_after(mut self, time: Duration) -> Service {
        self.script.end = Some((Cause::MainFailed("crashed by the test".to_owned()), time));
        self
    }

    /// The budget of the shutdown instead of 25 s, as `shutdown_timeout` of `#[lifecycle::main]`.
    pub fn shutdown_timeout(mut self, time: Duration) -> Service {
        self.script.budget.whole = time;
        self
    }

    /// The drain instead of 5 s, as `drain` of `#[lifecycle::main]`.
    pub fn drain(mut self, time: Duration) -> Service {
        self.script.budget.drain = time;
        self
    }

    /// Time is not paused: for a service with sockets, a database, threads of its own, which paused time does not wait for.
    /// How many polls there are may differ from run to run then: one that never comes is a run to the end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lifecycle::test::Service;
    /// use tokio::net::TcpListener;
    ///
    /// async fn app() -> std::io::Result<()> {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     tokio::select! {
    ///         accepted = listener.accept() => accepted.map(drop),
    ///         () = lifecycle::stopping() => Ok(()),
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let report = Service::new(app).real_time().stop_after(Duration::from_millis(20)).run().await;
    /// assert!(report.is_success(), "{report}");
    /// # });
    /// ```
    pub fn real_time(mut self) -> Service {
        self.script.real_time = true;
        self
    }

    /// Runs it once.
    ///
    /// # Panics
    /// If the system has no thread left.
    pub async fn run(self) -> Report {
        run(self.body, self.script).await.report
    }
}
