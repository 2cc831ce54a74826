//! The flight recorder: one page of memory beside the ledger, mapped from a file, so that what was last stored in it outlives
//! whatever kills the process. The kernel writes it to the disk when it likes; nobody waits for that.
//!
//! `record`, `note`, `state`, `step` and `recover` may be called while the process is broken: no allocation, no lock.
//! `open` and `read` may not.

mod entry;
#[cfg(unix)]
mod page;
#[cfg(not(unix))]
#[path = "no_page.rs"]
mod page;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod sample;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod sample;
mod words;

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use entry::{Entry, State};
#[cfg(any(test, fuzzing))]
pub(crate) use entry::{newest, sealed};
pub(crate) use page::recover;
pub(crate) use sample::group_now;
use words::Words;

use crate::os::clock::{boot_number, millis, since_boot_ms};
use crate::os::process::Identity;
use crate::os::text::Text;
use entry::{NAME, NOTE};

/// The file's name is the ledger's with this behind it.
const SUFFIX: &str = ".flight";

/// Process-wide: there is one ledger, and one watchdog.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

struct Recorder {
    page: page::Page,
    sampler: sample::Sampler,
    own: Identity,
    boot: u64,
}

/// What others have said last, for the next tick.
struct Said {
    state: AtomicU32,
    /// When the run began, on the clock of the boot.
    begun: AtomicU64,
    step: Words<{ NAME / 8 }>,
    note: Words<{ NOTE / 8 }>,
}

static SAID: Said =
    Said { state: AtomicU32::new(0), begun: AtomicU64::new(0), step: Words::new(), note: Words::new() };

/// The heartbeat that has used up the most of its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stalest {
    pub(crate) name: &'static str,
    pub(crate) age: Duration,
    pub(crate) allowed: Duration,
}

/// Where the recorder of a ledger is.
pub(crate) fn file(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// Begins to record into the file; once in a process, with a first entry, since the first tick may come too late. An error
/// costs nothing but the record: another process records into it, it is not ours, the disk is full.
pub(crate) fn open(file: &Path) -> io::Result<()> {
    if RECORDER.get().is_none() {
        let page = page::Page::open(file)?;
        let (sampler, own) = (sample::Sampler::find(), Identity::own());
        let recorder = Recorder { page, sampler, own, boot: boot_number() };
        // Before the watchdog's thread knows it: only one may store.
        recorder.record(Stalest::default());
        let _ = RECORDER.set(recorder);
    }
    Ok(())
}

/// The newest entry of a file that is whole; `None` if there is none, or it is not ours.
pub(crate) fn read(file: &Path) -> Option<Entry> {
    entry::newest(&page::bytes(file)?)
}

/// A run of main begins, or `init`.
pub(crate) fn begin(state: State) {
    SAID.step.set("");
    SAID.begun.store(since_boot_ms(), Relaxed);
    SAID.state.store(state as u32, Relaxed);
}

/// The shutdown begins.
pub(crate) fn stopping() {
    SAID.state.store(State::Stopping as u32, Relaxed);
}

/// A step of the shutdown begins.
pub(crate) fn step(name: &str) {
    SAID.step.set(name);
}

/// What the service says that it is doing. Costs the formatting, and some stores.
pub fn note(text: std::fmt::Arguments<'_>) {
    let mut note = Text::<NOTE>::new();
    // Never fails: it cuts.
    let _ = note.write_fmt(text);
    SAID.note.set(note.as_str());
}

/// Stores what is known now. For the watchdog's tick.
pub(crate) fn record(stalest: Option<Stalest>) {
    if let Some(recorder) = RECORDER.get() {
        recorder.record(stalest.unwrap_or_default());
    }
}

impl Recorder {
    fn record(&self, stalest: Stalest) {
        let now = since_boot_ms();
        let mut entry = Entry {
            pid: self.own.pid,
            start: self.own.start.unwrap_or(0),
            boot: self.boot,
            wall_ms: millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            since_boot_ms: now,
            uptime_ms: now.saturating_sub(SAID.begun.load(Relaxed)),
            state: SAID.state.load(Relaxed),
            stale_ms: millis(stalest.age),
            allowed_ms: millis(stalest.allowed),
            heartbeat: Text::of(stalest.name),
            step: SAID.step.get(),
            note: SAID.note.get(),
            ..Entry::default()
        };
        self.sampler.sample(&mut entry);
        self.page.store(&entry);
    }
}
