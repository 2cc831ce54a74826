//! The hang report: what each thread and each task does, so that a restart does not hide who hung.
//!
//! Made at a hang, and then in a process that may hold any lock: nothing on that way allocates. Also for a hook that is
//! late, for a heartbeat at half its limit, for a task that does not leave its poll, on SIGQUIT, and from code.

#![cfg_attr(
    not(all(target_os = "linux", feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64"))),
    allow(dead_code, reason = "without stacks nobody asks for some of it")
)]

mod about;
mod culprit;
mod half_times;
#[cfg(feature = "http")]
pub(crate) mod last_report;
mod late;
mod left_behind;
mod output;
mod plain;
mod reporter;
pub(crate) mod settings;
#[cfg_attr(
    all(target_os = "linux", feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64")),
    path = "with_stacks.rs"
)]
#[cfg_attr(
    not(all(target_os = "linux", feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64"))),
    path = "without_stacks.rs"
)]
mod stacks;
mod workspace;

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

pub(crate) use about::About;
pub(crate) use culprit::{Verdict, Warning};
pub(crate) use late::LateLook;
pub(crate) use left_behind::threads_left_behind;
pub(crate) use reporter::{flush, half_time, look_at_late_hook, on_quit};
pub use workspace::Workspace;

use crate::os::stderr;
use crate::tasks::tracked::{TrackedTask, live_tasks, set_trace_poll, watched_tasks};
use crate::tasks::workers;
use crate::watchdog::heartbeat::Heartbeat;
use crate::watchdog::message::HEADLINE;
use output::Output;
pub(crate) use output::Suspect;

/// What the fatal report may take: stopping the threads, asking the tasks, finding names, writing.
pub(crate) const LONGEST_REPORT: Duration = Duration::from_millis(3900);

/// The process is about to end with a report of its own: others have lost their point.
static FATAL_HAS_BEGUN: AtomicBool = AtomicBool::new(false);

fn fatal_has_begun() -> bool {
    FATAL_HAS_BEGUN.load(Acquire)
}

/// Starts the reporter.
pub(crate) fn start() {
    set_trace_poll(stacks::trace_poll);
    reporter::start();
}

/// The fatal report: to stderr, and to the file. Returns whom it accuses first. Allocates nothing and takes no lock.
pub(crate) fn fatal(heartbeat: &'static Heartbeat) -> Suspect {
    FATAL_HAS_BEGUN.store(true, Release);
    let about = About::Hang(heartbeat);
    let mut output = Output::new();
    // In JSON it is an entry of the report.
    if !about.is_json() {
        output.headline(format_args!("{HEADLINE}: {}\n", Verdict(heartbeat)));
    }
    stacks::write(&about, &mut output);
    output.suspect()
}

/// Wakes the tasks that are asked what they wait for. Takes locks of the scheduler's, which hung threads may hold: the
/// caller may block.
fn wake_all() {
    live_tasks().filter(|task| task.wanted.load(Relaxed) != 0).for_each(TrackedTask::wake);
}

/// Warns of each task that has been in one poll for longer than the limit, once. The watchdog calls it at each tick.
pub(crate) fn look_at_polls(limit: Duration) {
    watched_tasks(|task| {
        if !task.is_polled() {
            return;
        }
        let snapshot = task.snapshot();
        if snapshot.thread != 0
            && snapshot.polls > 0
            && snapshot.age.0 > Some(limit)
            && task.warn_once(snapshot.polls)
        {
            reporter::frozen(task);
        }
    });
}

/// Warns of each worker of the runtime that has been busy for longer than the limit, once, unless that is a tracked task's
/// poll. Wakes one where all sleep but one that is held up. The watchdog calls it at each tick.
pub(crate) fn look_at_workers(limit: Duration) {
    let is_unattended = workers::for_each_busy(limit, |busy| {
        let polls = |task: &TrackedTask| {
            let snapshot = task.snapshot();
            busy.thread != 0 && snapshot.thread == busy.thread && snapshot.polls > 0
        };
        if !live_tasks().any(polls) {
            reporter::busy_worker(busy);
        }
    });
    if is_unattended {
        reporter::wake_worker();
    }
}

/// How long whoever asks from code waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// As long as a report waits for a reader of stderr.
const PRINT_TIMEOUT: Duration = Duration::from_secs(1);

/// Prints what every thread and every task of the process does right now to stderr, as SIGQUIT does, and goes on. Returns the
/// text, too.
///
/// Each thread is stopped for some microseconds and each idle tracked task is polled once, so this is for an endpoint
/// that a person asks, not for a loop. Takes about 0.2 s and blocks the calling thread meanwhile; after 5 s it gives up,
/// and says so. Stacks are told on Linux, with the feature `stacks`.
///
/// ```
/// let report = lifecycle::hang_report();
/// # assert!(report.contains("hang report"), "{report}");
/// ```
#[expect(clippy::must_use_candidate, reason = "it prints, too")]
pub fn hang_report() -> String {
    let text = reporter::text(About::Asked, ANSWER_TIMEOUT);
    let text = text.unwrap_or_else(|| "no hang report: it cannot be made in time\n".to_owned());
    stderr::write_until(2, text.as_bytes(), Instant::now() + PRINT_TIMEOUT);
    text
}
