//! Names the function and line where a process hangs: what each thread and each task of it does, from inside, without
//! ptrace and without anything that runs before a report is made.
//!
//! For a watchdog of your own: when it finds that nothing goes on, it calls [`write()`], and ends the process.
//! `examples/where_it_hangs.rs` is one. The [`lifecycle`](https://docs.rs/lifecycle-manager) crate brings a watchdog,
//! and its heartbeats and tasks come along with the report.
//!
//! [`write()`] allocates nothing and takes no lock: whatever hangs may hold any. Names are looked up by a short-lived copy of
//! the executable, which ends before `main`; constructors that run before `main` run in it as well.
//!
//! On Linux, on x86_64 and aarch64; elsewhere the crate is empty.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![warn(missing_debug_implementations)]

mod capture;
mod diagnose;
mod dump;
mod helper;
mod image;
mod report;
mod request;
mod stderr;
mod symbolize;

pub use capture::awaits::trace_poll;
pub use report::{LONGEST, OutOfMemory, prepare, sample, write};
pub use request::{Breadcrumb, Json, NoTasks, ReportKind, Request, TaskSource, TaskState, TracedTask};
pub use stderr::Stderr;

pub use lifecycle_os::clock::Age;
pub use lifecycle_os::text::Text;
