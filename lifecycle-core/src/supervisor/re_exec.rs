//! When a crash or a hang is answered by re-executing the program, instead of running main again or exiting.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use super::init::GuardSlot;
use crate::config::options::{OnHang, RestartMode};
use crate::config::resolve::Config;
use crate::os::log;
use crate::os::re_exec::Image;
use crate::os::stderr::stderr_line;
use crate::restart::ledger::Ledger;

struct ReExec {
    image: Image,
    guard: GuardSlot,
    after_crash: bool,
    after_hang: bool,
    /// The ledger remembers the hang, and no shutdown has begun.
    is_permitted: AtomicBool,
    /// That it failed is said once.
    has_warned: AtomicBool,
}

/// Set once at the start, if the configuration asks for it: the watchdog's thread reads it.
static RE_EXEC: OnceLock<ReExec> = OnceLock::new();

/// The orchestrator permits right after it has written the ledger, which the watchdog has waited for already.
const PERMIT_TIMEOUT: Duration = Duration::from_millis(250);

/// All that it may take after a hang: the permit, and parking the other threads.
pub(super) const AFTER_HANG: Duration = Duration::from_millis(350);

/// As long as the log may hold up the end of a process.
const FLUSH: Duration = Duration::from_millis(250);

/// Keeps what the process was started with; to be called before anything of it can have changed.
pub(super) fn prepare(config: &Config, guard: &GuardSlot) {
    let after_crash = config.restart.as_ref().is_some_and(|restart| restart.mode == RestartMode::Exec);
    let after_hang = config.watchdog.is_some_and(|watchdog| watchdog.on_hang == OnHang::Exec);
    if after_crash || after_hang {
        RE_EXEC.get_or_init(|| ReExec {
            image: Image::capture(),
            guard: guard.clone(),
            after_crash,
            after_hang,
            is_permitted: AtomicBool::new(false),
            has_warned: AtomicBool::new(false),
        });
    }
}

/// Begins anew after a crash that was recorded. Returns if main is to run again in this process: in mode `task`, where
/// the re-executed program would not know of the crash, where there can be none, and where a stop was asked for meanwhile.
pub(super) fn after_crash(ledger: Option<&Ledger>) {
    let Some(re_exec) = RE_EXEC.get().filter(|re_exec| re_exec.after_crash) else { return };
    let failed = if ledger.is_some_and(Ledger::is_durable) {
        log::info("the crash is recorded: re-executing the program");
        log::flush(Instant::now() + FLUSH);
        // Else what a log keeps back to write later would be lost with this image.
        re_exec.guard.drop_until(Instant::now() + FLUSH);
        re_exec.image.replace()
    } else {
        io::Error::other(
            "the crash is counted in memory only, so the re-executed program would not know of it",
        )
    };
    if failed.kind() != io::ErrorKind::Interrupted && !re_exec.has_warned.swap(true, Relaxed) {
        log::warn(format!("re-exec failed: {failed}; restarting main in this process"));
    }
}

/// Called while main runs, whenever the orchestrator has handled what arrived; without a ledger once it is to end.
/// Does not return after a hang that the ledger remembers: a stop signal must now stay counted, for the watchdog to see.
pub(super) fn permit_after_hang(hang_is_recorded: bool, ledger: Option<&Ledger>) {
    let Some(re_exec) = RE_EXEC.get().filter(|re_exec| re_exec.after_hang) else { return };
    if !hang_is_recorded || !ledger.is_some_and(Ledger::is_durable) {
        return;
    }
    re_exec.is_permitted.store(true, Release);
    loop {
        std::thread::park();
    }
}

/// For the watchdog: no lock, no allocation. Returns if the process is to end.
pub(super) fn after_hang() {
    let Some(re_exec) = RE_EXEC.get().filter(|re_exec| re_exec.after_hang) else { return };
    let begun = Instant::now();
    while !re_exec.is_permitted.load(Acquire) {
        if begun.elapsed() > PERMIT_TIMEOUT {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    stderr_line!("WARN lifecycle: the hang is recorded: re-executing the program");
    let failed = re_exec.image.replace();
    if failed.kind() == io::ErrorKind::Interrupted {
        return stderr_line!("ERROR lifecycle: re-exec given up, since a stop was asked for: exit code 1");
    }
    stderr_line!("ERROR lifecycle: re-exec failed: {failed}: exit code 1");
}
