//! What `lifecycle-core` and `lifecycle-hang` need of the operating system while the process is broken: when any lock may
//! be held, the allocator's too, and any thread may be stuck. Each module says at its head what may be called then.
//!
//! Made for the [`lifecycle`](https://docs.rs/lifecycle-manager) crates: it changes with them.
//!
//! ```
//! use std::fmt::Write;
//!
//! let mut text = lifecycle_os::text::Text::<16>::new();
//! let _ = write!(text, "thread {}", lifecycle_os::process::thread_id());
//! assert!(text.as_str().starts_with("thread "));
//! ```

#![warn(missing_debug_implementations)]

pub mod atomic_ref;
pub mod clock;
pub mod failsafe_timer;
pub mod lock;
pub mod process;
#[cfg(target_os = "linux")]
pub mod procfs;
#[cfg(unix)]
pub mod sigaction;
pub mod stderr;
pub mod text;
#[cfg(target_os = "linux")]
pub mod threads;
