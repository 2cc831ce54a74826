//! Wires everything: the only folder that imports the others. `supervise` has the life of a process top to bottom,
//! `on_hang` the way from an expired heartbeat to the exit.

mod entry;
mod events;
mod functions;
mod manager;
mod on_hang;
mod on_hang_hooks;
mod re_exec;
mod runtime;
mod service;
mod start;
mod status;
mod supervise;
mod tasks;

pub use entry::Main;
pub use functions::{
    is_running, manage, manage_arc, plan, ready, release, shutdown, spawn, status, stopping, token,
};
pub use manager::LifecycleManager;
