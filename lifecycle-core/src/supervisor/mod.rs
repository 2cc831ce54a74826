//! Wires everything: the only folder that imports the others. `supervise` has the life of a process top to bottom,
//! `on_hang` the way from an expired heartbeat to the exit.

mod answers;
mod calls;
mod closure;
pub(crate) mod current;
mod declared_tasks;
mod entry;
mod events;
mod functions;
#[cfg(feature = "tower")]
mod in_flight;
mod init;
mod listen;
mod manager;
mod nobody;
#[cfg(any(feature = "axum", feature = "metrics"))]
mod observers;
mod on_hang;
mod on_hang_hooks;
mod on_stop;
#[cfg(feature = "http")]
mod past;
#[cfg(not(feature = "http"))]
#[path = "past_absent.rs"]
mod past;
mod re_exec;
mod reload;
mod reload_state;
mod runtime;
mod start;
mod state;
mod status;
mod supervise;
pub(crate) mod tasks;
mod work;

pub use calls::{enter, enter_async};
pub use closure::StopHook;
pub use entry::Service;
pub use functions::{
    is_running, manage, manage_arc, plan, ready, release, reload, reloads, shutdown, spawn, status, stopping,
    token,
};
#[cfg(feature = "tower")]
pub use in_flight::{InFlight, InFlightBody, InFlightFuture, InFlightLayer, in_flight};
pub use init::{InitFunction, InitOutcome, ReturnsFuture, ReturnsGuard, ReturnsOutcome};
#[cfg(unix)]
pub use listen::listen_unix;
pub use listen::{ListenOptions, listen, listen_named};
pub use manager::LifecycleManager;
#[cfg(feature = "axum")]
pub use observers::probes_router;
#[cfg(feature = "metrics")]
pub use observers::record_metrics;
pub use on_stop::{OnStop, on_stop};
pub use reload::Reloads;
pub use work::{busy, deadline, spawn_blocking, track};
