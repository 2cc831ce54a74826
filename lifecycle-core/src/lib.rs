//! Runtime of the [`lifecycle`](https://docs.rs/lifecycle-manager) crate; use that one.
//!
//! `ARCHITECTURE.md` in the repository has the picture. Imports point one way only, from the top of this list down:
//! `supervisor`; `shutdown`, `hang`; `tasks`, `watchdog`, `restart`; `components`, `config`, `os`; `model`.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod components;
mod config;
mod hang;
mod model;
mod os;
mod restart;
mod shutdown;
mod supervisor;
mod tasks;

/// The crash memory of a service, as people and programs read it.
pub mod ledger {
    pub use crate::restart::ledger::{Crash, History, ReadError, read};
}
/// The dead man's switch: pausing it.
pub mod watchdog;

pub use hang::hang_report;
pub use model::cause::{Cause, Signal};
pub use model::failure::{Failure, permanent, retry_after};
pub use model::phase::Phase;
pub use model::place::Place;
pub use model::plan::{Plan, PlannedHook};
pub use model::previous_run::{Ending, PreviousRun};
pub use model::report::{HookReport, HookResult, Report, RuntimeResult, TaskReport, TaskResult};
pub use model::status::{HeartbeatStatus, State, Status};
pub use supervisor::{
    LifecycleManager, is_running, manage, manage_arc, plan, ready, release, shutdown, spawn, status,
    stopping, token,
};
pub use watchdog::heartbeat::{Heartbeat, HeartbeatPause};
