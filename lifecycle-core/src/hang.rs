//! The hang report: what each thread and each task does, so that a restart does not hide who hung.
//!
//! Made at a hang, and then in a process that may hold any lock: nothing on that way allocates. Also for a hook that is
//! late, for a heartbeat at half its limit, for a task that does not leave its poll, on SIGQUIT, and from code.

#![cfg_attr(
    not(all(target_os = "linux", feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64"))),
    // Without stacks nobody asks for some of it.
    allow(dead_code)
)]

mod about;
mod late;
mod output;
mod plain;
mod reporter;
pub(crate) mod settings;
#[cfg(all(target_os = "linux", feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod stacks;
#[cfg(not(all(
    target_os = "linux",
    feature = "stacks",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "hang/no_stacks.rs"]
mod stacks;
mod text;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub(crate) use about::About;
pub(crate) use reporter::{flush, half_time, late_is_near, late_is_settled, quit, start};
pub(crate) use stacks::reaper::arm as arm_reaper;
pub(crate) use stacks::traced;
pub(crate) use text::Text;

use crate::heartbeat::Heartbeat;
use crate::listen::{Ear, ears};
use crate::watchdog::verdict::{HEADLINE, Stale};
use output::Output;

/// The fatal report: to stderr, and to the file. Allocates nothing and takes no lock.
pub(crate) fn fatal(heartbeat: &'static Heartbeat) {
    let about = About::Hang(heartbeat);
    let mut output = Output::new();
    output.headline(format_args!("{HEADLINE}: {}\n", Stale(heartbeat)));
    stacks::write(&about, &mut output);
}

/// Wakes the tasks that are asked what they wait for. Takes locks of the scheduler's, which hung threads may hold: the
/// caller may block.
fn wake_all() {
    ears().filter(|ear| ear.wanted.load(Relaxed) != 0).for_each(Ear::wake);
}

/// Warns of each task that has been in one poll for longer than the limit, once. The watchdog calls it at each tick.
pub(crate) fn look_at_polls(limit: Duration) {
    for ear in ears() {
        let sight = ear.look();
        if sight.thread != 0 && sight.polls > 0 && sight.age.0 > Some(limit) && ear.warn_once(sight.polls) {
            reporter::frozen(ear);
        }
    }
}

/// What every thread and every task of the process does right now: the text that SIGQUIT prints, after `status()`.
///
/// Each thread is stopped for some microseconds and each idle tracked task is polled once, so this is for an endpoint
/// that a person asks, not for a loop. Takes about 0.2 s and blocks the calling thread meanwhile; after 5 s it gives up,
/// and says so. Stacks are told on Linux, with the feature `stacks`.
///
/// ```
/// let report = lifecycle::report();
/// println!("{report}");
/// # assert!(report.contains("hang report"), "{report}");
/// ```
#[must_use]
pub fn report() -> String {
    reporter::text()
}
