//! Many runs of a service under test, each with one thing that is different.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;

use super::once::{Finished, run};
use super::script::{Fault, Script};
use super::service::Service;
use crate::model::report::Report;
use crate::os::stderr::stderr_line;
use crate::tasks::catch_panic::message;

/// Runs of one service, by [`Service::at_every_poll`] and [`Service::each_hook`].
#[must_use = "nothing runs before `run`, or `.await`"]
pub struct Drill<'a> {
    service: Service,
    check: Check<'a>,
    /// Also called with each report.
    also: Option<Checker<'a>>,
}

type Checker<'a> = Box<dyn FnMut(&Report) + 'a>;

enum Check<'a> {
    EveryPoll(Checker<'a>),
    EachHook(Fault),
}

impl Service {
    /// Runs it once for each poll of main and of its tracked tasks that leaves them waiting: stopped by SIGTERM right there;
    /// and once stopped before main begins. `check` gets each report; if it panics, the poll is named with the line at
    /// which its task waits.
    ///
    /// A run before them counts the polls, so it must end: by itself, or by `stop_after`.
    ///
    /// ```
    /// use lifecycle::test::Service;
    ///
    /// async fn app() {
    ///     for _ in 0..3 {
    ///         tokio::task::yield_now().await;
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let reports = Service::new(app).at_every_poll(|report| assert!(report.is_success())).run().await;
    /// assert_eq!(reports.len(), 4);
    /// # });
    /// ```
    pub fn at_every_poll<'a>(self, check: impl FnMut(&Report) + 'a) -> Drill<'a> {
        Drill::new(self, Check::EveryPoll(Box::new(check)))
    }

    /// Runs it once for each hook that a good run calls: that hook then has the fault. The reports are in the order of the
    /// plan.
    pub fn each_hook(self, fault: Fault) -> Drill<'static> {
        Drill::new(self, Check::EachHook(fault))
    }
}

impl fmt::Debug for Drill<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drill").field("service", &self.service).finish_non_exhaustive()
    }
}

impl<'a> Drill<'a> {
    fn new(service: Service, check: Check<'a>) -> Drill<'a> {
        Drill { service, check, also: None }
    }

    /// Calls `check` with each report, right after its run; if it panics, what was different is named.
    ///
    /// ```
    /// use lifecycle::test::{Fault, Service};
    ///
    /// # async fn app() {}
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// Service::new(app).each_hook(Fault::Fail).check(|report| assert!(!report.is_success())).run().await;
    /// # });
    /// ```
    pub fn check(mut self, check: impl FnMut(&Report) + 'a) -> Drill<'a> {
        self.also = Some(Box::new(check));
        self
    }

    /// Returns each report. An `.await` of the drill itself does the same.
    ///
    /// # Panics
    /// If a check does, or if the system has no thread left.
    pub async fn run(self) -> Vec<Report> {
        let Drill { service, check, mut also } = self;
        match check {
            Check::EveryPoll(mut check) => at_every_poll(&service, &mut check, &mut also).await,
            Check::EachHook(fault) => each_hook(&service, fault, &mut also).await,
        }
    }
}

impl<'a> IntoFuture for Drill<'a> {
    type Output = Vec<Report>;
    type IntoFuture = Pin<Box<dyn Future<Output = Vec<Report>> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

async fn at_every_poll(
    service: &Service,
    check: &mut Checker<'_>,
    also: &mut Option<Checker<'_>>,
) -> Vec<Report> {
    let script = |at_poll, traced| Script { at_poll, traced, ..service.script.clone() };
    let Finished { polls, .. } = run(service.body.clone(), script(None, true)).await;
    let mut reports = Vec::new();
    for number in 0..=polls.len() {
        let Finished { report, .. } = run(service.body.clone(), script(Some(number), false)).await;
        let different = || match number.checked_sub(1).map(|index| &polls[index]) {
            None => "stopped before main began".to_owned(),
            Some(poll) => format!("stopped at poll {number} of {}: {}", polls.len(), poll.describe()),
        };
        checked(&report, check, different);
        also.iter_mut().for_each(|also| checked(&report, also, different));
        reports.push(report);
    }
    reports
}

async fn each_hook(service: &Service, fault: Fault, also: &mut Option<Checker<'_>>) -> Vec<Report> {
    let good = run(service.body.clone(), service.script.clone()).await.report;
    let mut hooks = good.order();
    hooks.dedup();
    let mut reports = Vec::new();
    for hook in hooks {
        let script = Script { fault: Some((hook, fault)), ..service.script.clone() };
        let Finished { report, .. } = run(service.body.clone(), script).await;
        let different = || format!("hook `{hook}` had the fault {fault:?}");
        also.iter_mut().for_each(|also| checked(&report, also, different));
        reports.push(report);
    }
    reports
}

/// A check that fails says of which run.
fn checked(report: &Report, check: &mut Checker<'_>, different: impl Fn() -> String) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| check(report))) {
        let text = format!("lifecycle::test: {}", different());
        stderr_line!("{text}");
        // The message has been printed, with its place.
        resume_unwind(Box::new(format!("{text}: {}", message(payload))));
    }
}
