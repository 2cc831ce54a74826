//! What the attributes' code calls. Not for people: it changes without notice.

pub use std::any::{TypeId, type_name};
pub use std::boxed::Box;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use inventory;

pub use crate::components::declaration::{
    Call, Hook, HookDeclaration, HookKind, TaskRestart, function, instance, method, shared,
};
pub use crate::config::options::{
    Flavor, Hangup, OnHang, Options, Readiness, RestartMode, RestartOptions, WatchdogOptions,
};
pub use crate::hang::Workspace;
pub use crate::model::outcome::Outcome;
pub use crate::model::phase::Phase;
pub use crate::model::place::Place;
pub use crate::os::flight::note;
#[cfg(fuzzing)]
pub use crate::restart::ledger::{rehearse, rehearse_flight};
pub use crate::supervisor::{
    InitFunction, InitOutcome, ReturnsFuture, ReturnsGuard, ReturnsOutcome, Service, enter, enter_async,
};
pub use crate::watchdog::breadcrumb::{Call as HeartbeatCall, at, heartbeat, past, round};
pub use crate::watchdog::heartbeat::{Arm, Heartbeat, HeartbeatSite};
