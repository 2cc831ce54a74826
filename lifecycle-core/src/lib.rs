//! Runtime of the [`lifecycle`](https://docs.rs/lifecycle-manager) crate; use that one.
//!
//! `ARCHITECTURE.md` in the repository has the picture. Imports point one way only, from the top of this list down:
//! `supervisor`; `shutdown`, `hang`; `tasks`, `watchdog`, `restart`, `sockets`, `systemd`, `probes`; `components`, `config`, `os`; `model`.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod components;
mod config;
mod hang;
mod model;
mod os;
mod probes;
mod restart;
mod shutdown;
mod sockets;
mod supervisor;
mod systemd;
mod tasks;

/// The crash memory of a service, as people and programs read it.
pub mod ledger {
    pub use crate::restart::ledger::{Crash, History, ReadError, read};
}
#[cfg(feature = "test")]
#[path = "testing/mod.rs"]
pub mod test;
/// Says what the service is doing, as `format!` does: the last such text is in the flight recorder, so the next start tells
/// it if the process is killed now. At most 256 bytes are kept. It costs the formatting; no allocation, no lock, no system call.
///
/// ```
/// # let (day, days) = (3, 90);
/// lifecycle::note!("importing day {day} of {days}");
/// ```
#[macro_export]
macro_rules! note {
    ($($text:tt)+) => {
        $crate::__private::note(::core::format_args!($($text)+))
    };
}

/// The dead man's switch: pausing it.
pub mod watchdog;

pub use config::options::{
    Flavor, Hangup, OnHang, Options, Readiness, RestartMode, RestartOptions, RuntimeBuilder, WatchdogOptions,
};
pub use hang::hang_report;
pub use model::address::ListenAddress;
pub use model::cause::{Cause, Signal};
pub use model::failure::{Failure, permanent, retry_after};
pub use model::last_seen::{LastSeen, Probably};
pub use model::phase::Phase;
pub use model::place::Place;
pub use model::plan::{Plan, PlannedHook, PlannedTask};
pub use model::previous_run::{Ending, PreviousRun};
pub use model::report::{HookReport, HookResult, Report, RuntimeResult, TaskReport, TaskResult};
pub use model::status::{HeartbeatStatus, SocketStatus, State, Status, WorkerStatus};
#[cfg(unix)]
pub use supervisor::listen_unix;
#[cfg(feature = "axum")]
pub use supervisor::probes_router;
#[cfg(feature = "metrics")]
pub use supervisor::record_metrics;
#[cfg(feature = "tower")]
pub use supervisor::{InFlight, InFlightBody, InFlightFuture, InFlightLayer, in_flight};
pub use supervisor::{
    LifecycleManager, ListenOptions, OnStop, Reloads, Service, StopHook, busy, deadline, is_running, listen,
    listen_named, manage, manage_arc, on_stop, plan, ready, release, reload, reloads, shutdown, spawn,
    spawn_blocking, status, stopping, token, track,
};
pub use tasks::busy::Busy;
pub use tasks::tolerated::{PanicsTolerated, tolerate_panics};
pub use watchdog::heartbeat::{Heartbeat, HeartbeatPause};
