//! How a run of a service under test is to go.

use std::future::pending;
use std::time::Duration;

use crate::components::declaration::{AsyncCall, Instance, Running};
use crate::config::options::Options;
use crate::model::cause::Cause;
use crate::shutdown::Budget;

/// What a hook does instead of its work.
///
/// ```
/// use lifecycle::test::{Fault, Service};
///
/// # async fn app() {}
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// for fault in [Fault::Hang, Fault::Fail, Fault::Panic] {
///     Service::new(app).each_hook(fault).run().await;
/// }
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It never ends: dropped at its timeout, which costs no time where time is paused.
    Hang,
    /// It returns an error.
    Fail,
    /// It panics.
    Panic,
}

impl Fault {
    pub(super) fn call(self) -> AsyncCall {
        fn hang(_: &Option<Instance>) -> Box<dyn Running + Send + '_> {
            Box::new(pending::<()>())
        }
        fn fail(_: &Option<Instance>) -> Box<dyn Running + Send + '_> {
            Box::new(async { Err::<(), _>("the fault of this drill") })
        }
        fn panic(_: &Option<Instance>) -> Box<dyn Running + Send + '_> {
            Box::new(async { panic!("the fault of this drill") })
        }
        match self {
            Fault::Hang => hang,
            Fault::Fail => fail,
            Fault::Panic => panic,
        }
    }
}

/// How a run is to end.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) budget: Budget,
    /// Why, and after how much of its time; else when main ends.
    pub(super) end: Option<(Cause, Duration)>,
    /// Instead once this poll leaves its task waiting, counted from 1; 0 is before main begins.
    pub(super) at_poll: Option<usize>,
    /// Where each poll waits is to be known.
    pub(super) traced: bool,
    pub(super) fault: Option<(&'static str, Fault)>,
    pub(super) real_time: bool,
}

impl Script {
    pub(super) fn new() -> Script {
        let Options { shutdown_timeout, drain, .. } = Options::DEFAULT;
        let budget = Budget { whole: shutdown_timeout, drain };
        Script { budget, end: None, at_poll: None, traced: false, fault: None, real_time: false }
    }
}
