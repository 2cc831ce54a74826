//! A crash or a hang answered by a new image of the executable in the same process, instead of main again or the exit.
//!
//! What follows the decision allocates nothing and takes no lock: whatever the old image is stuck in stays behind.

#[cfg(unix)]
mod image;
#[cfg(unix)]
mod threads;

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::exec::image::Image;
use crate::ledger::Ledger;
use crate::options::{OnHang, RestartMode};
use crate::{log, watchdog};

struct Exec {
    image: Image,
    after_crash: bool,
    after_hang: bool,
}

/// Set once at the start, if the configuration asks for it.
static EXEC: OnceLock<Exec> = OnceLock::new();

/// The ledger remembers the hang, and no shutdown has begun.
static PERMITTED: AtomicBool = AtomicBool::new(false);

/// The orchestrator permits right after it has written the ledger, which the watchdog has waited for already.
const PATIENCE: Duration = Duration::from_millis(250);

/// As long as the log may hold up the end of a process.
const FLUSH: Duration = Duration::from_millis(250);

/// Keeps what the process was started with; to be called before anything of it can have changed.
pub(crate) fn prepare(config: &Config) {
    let after_crash = config.restart.as_ref().is_some_and(|restart| restart.mode == RestartMode::Exec);
    let after_hang = config.watchdog.is_some_and(|watchdog| watchdog.on_hang == OnHang::Exec);
    if after_crash || after_hang {
        EXEC.get_or_init(|| Exec { image: Image::capture(), after_crash, after_hang });
    }
}

/// Begins anew after a crash that was recorded. Returns if main is to run again in this image: in mode `task`, where
/// the next image would not know of the crash, where there can be none, and where a stop was asked for meanwhile.
pub(crate) fn after_crash(ledger: Option<&Ledger>) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let Some(exec) = EXEC.get().filter(|exec| exec.after_crash) else { return };
    let failed = if ledger.is_some_and(Ledger::is_durable) {
        log::info("the crash is recorded: a new image of the executable takes over");
        log::flush(Instant::now() + FLUSH);
        exec.image.replace()
    } else {
        io::Error::other("it would not know of the crash, which is counted in memory only")
    };
    if failed.kind() != io::ErrorKind::Interrupted && !WARNED.swap(true, Relaxed) {
        log::warn(format!("no new image (restart mode \"exec\"): {failed}: main runs again in this one"));
    }
}

/// Called while main runs, whenever the orchestrator has attended to what arrived; without a ledger once it is to end.
/// Does not return after a hang that the ledger remembers: a stop signal must now stay counted, for the watchdog to see.
pub(crate) fn permit_after_hang(ledger: Option<&Ledger>) {
    let asked = EXEC.get().is_some_and(|exec| exec.after_hang);
    if !asked || !watchdog::hang_was_recorded() || !ledger.is_some_and(Ledger::is_durable) {
        return;
    }
    PERMITTED.store(true, Release);
    loop {
        std::thread::park();
    }
}

/// For the watchdog, after its verdict. Returns if the process is to end.
pub(crate) fn after_hang() {
    let Some(exec) = EXEC.get().filter(|exec| exec.after_hang) else { return };
    let begun = Instant::now();
    while !PERMITTED.load(Acquire) {
        if begun.elapsed() > PATIENCE {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    crate::raw::stderr_line!(
        "WARN lifecycle: the hang is recorded: a new image of the executable takes over"
    );
    let failed = exec.image.replace();
    if failed.kind() == io::ErrorKind::Interrupted {
        return crate::raw::stderr_line!(
            "ERROR lifecycle: no new image, since a stop was asked for: exit code 1"
        );
    }
    crate::raw::stderr_line!("ERROR lifecycle: no new image: {failed}: exit code 1");
}

/// The configuration refuses to ask for it.
#[cfg(not(unix))]
mod image {
    pub(super) struct Image;

    impl Image {
        pub(super) fn capture() -> Image {
            Image
        }

        pub(super) fn replace(&self) -> std::io::Error {
            std::io::ErrorKind::Unsupported.into()
        }
    }
}
