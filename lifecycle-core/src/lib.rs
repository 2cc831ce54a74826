//! Runtime of the [`lifecycle`](https://docs.rs/lifecycle) crate; use that one.
//!
//! Leaves first: they do no I/O, start no thread and read no clock.

mod cause;
mod config;
mod error;
mod options;
mod outcome;
mod phase;
mod place;
mod plan;
mod previous;
mod report;
mod restart;
mod share;
mod table;

mod attend;
mod bell;
mod breadcrumb;
mod claims;
mod component;
mod entry;
mod exec;
mod hang;
mod heartbeat;
mod last_gasp;
mod last_words;
pub mod ledger;
mod lifecycle;
mod listen;
mod log;
mod platform;
mod process;
mod raw;
mod registry;
mod rescue;
mod run;
mod runtime;
mod session;
mod shutdown;
mod signal;
mod stall;
mod status;
mod sync;
mod unwind;
pub mod watchdog;
mod work;

mod functions;

pub use cause::Cause;
pub use functions::*;
pub use hang::report;
pub use heartbeat::{Heartbeat, HeartbeatPause};
pub use lifecycle::LifecycleManager;
pub use phase::Phase;
pub use place::Place;
pub use plan::{Plan, PlannedHook};
pub use previous::{Ending, PreviousRun};
pub use report::{HookReport, HookResult, Report, TaskReport, TaskResult};
pub use signal::Signal;
pub use status::{HeartbeatStatus, State, Status};

/// What the attributes' code calls. Not for people: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use std::sync::Arc;
    pub use std::time::Duration;

    pub use inventory;

    pub use crate::breadcrumb::{at, enter, heartbeat};
    pub use crate::component::{Hook, Site, async_function, async_method, function, method};
    pub use crate::entry::Main;
    pub use crate::heartbeat::{Arm, Heartbeat, HeartbeatSite};
    pub use crate::ledger::rehearse;
    pub use crate::options::{Flavor, OnHang, Options, RestartMode, RestartOptions, WatchdogOptions};
    pub use crate::phase::Phase;
    pub use crate::place::Place;
}
