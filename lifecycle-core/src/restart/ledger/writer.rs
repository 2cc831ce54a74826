//! The thread that does all I/O on the ledger's file: a disk that does not answer holds up nobody.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::os::clock::Moment;
use crate::os::lock::lock;
use crate::os::process::Identity;
use crate::os::{flight, log, thread};
use crate::restart::ledger::file::{self, Contents, Survives};
use crate::restart::ledger::flight::last_seen;
use crate::restart::ledger::format::Record;

/// A change of the record. It may be applied more than once, to the file and to what is known in memory.
pub(crate) type Change = Arc<dyn Fn(&mut Record) + Send + Sync>;

const IN_MEMORY: &str = "counting crashes in memory only, so not across processes";

/// What a caller waits for its change while the service starts or runs. Another process may hold the lock for a second.
pub(crate) const UPDATE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Hands changes to the thread; while the disk does not answer they are applied to what was last known.
pub(crate) struct LedgerWriter {
    shared: Arc<Shared>,
    path: PathBuf,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Changes that are not in the file yet, in their order; the thread takes them off when they are.
    queue: VecDeque<Change>,
    /// How many it took off.
    done: u64,
    /// What the file holds; all there is while it cannot be used.
    record: Record,
    /// Whether the last change reached the file.
    durable: bool,
    /// Somebody waited in vain: nobody waits again until the disk has answered.
    stalled: bool,
}

impl LedgerWriter {
    /// Starts the thread, which touches the file at the first change.
    pub(crate) fn start(path: PathBuf) -> LedgerWriter {
        let record = Record::new();
        let state = State { queue: VecDeque::new(), done: 0, record, durable: false, stalled: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let (kept, mut file) = (
            shared.clone(),
            LedgerFile {
                path: path.clone(),
                unwritten: Vec::new(),
                warned: false,
                lock_timeout: file::LOCK_TIMEOUT,
                flight_read: false,
            },
        );
        if let Err(error) = thread::spawn("lifecycle-ledger", None, move || kept.work(&mut file)) {
            warn(&path, &format!("its thread cannot be started ({error}): {IN_MEMORY}"));
            shared.state().stalled = true;
        }
        LedgerWriter { shared, path }
    }

    /// Makes a change and returns the record with it, once it is durable or `timeout` is over.
    pub(crate) fn update(
        &self,
        timeout: Duration,
        change: impl Fn(&mut Record) + Send + Sync + 'static,
    ) -> Record {
        let (mut state, number) = self.push(Arc::new(change));
        if !state.stalled {
            let waited = self.shared.changed.wait_timeout_while(state, timeout, |state| state.done < number);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.done >= number {
            return state.record.clone();
        }
        let mut record = state.record.clone();
        state.queue.iter().for_each(|change| change(&mut record));
        let has_warned = std::mem::replace(&mut state.stalled, true);
        drop(state);
        if !has_warned {
            warn(&self.path, "write timed out; counting crashes in memory until the disk responds");
        }
        record
    }

    /// Makes a change, and waits for nothing.
    pub(crate) fn update_later(&self, change: impl Fn(&mut Record) + Send + Sync + 'static) {
        drop(self.push(Arc::new(change)));
    }

    /// The ledger's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what was last changed will be there after the process.
    pub(crate) fn is_durable(&self) -> bool {
        let state = self.shared.state();
        state.durable && state.queue.is_empty()
    }

    fn push(&self, change: Change) -> (MutexGuard<'_, State>, u64) {
        let mut state = self.shared.state();
        state.queue.push_back(change);
        self.shared.changed.notify_all();
        let number = state.done + state.queue.len() as u64;
        (state, number)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Writes what has come in, all of it at once. Ends with the process.
    fn work(&self, file: &mut LedgerFile) {
        block_file_size_signal();
        loop {
            let state = self.changed.wait_while(self.state(), |state| state.queue.is_empty());
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let (changes, known) = (Vec::from_iter(state.queue.iter().cloned()), state.record.clone());
            drop(state);
            let count = changes.len();
            let (record, durable) = file.update(known, changes);
            let mut state = self.state();
            state.queue.drain(..count);
            state.done += count as u64;
            (state.record, state.durable, state.stalled) = (record, durable, false);
            self.changed.notify_all();
        }
    }
}

/// A write beyond RLIMIT_FSIZE then fails like any other, instead of ending the process.
#[cfg(unix)]
fn block_file_size_signal() {
    use crate::os::sigaction::{change_mask, set_of};
    change_mask(libc::SIG_BLOCK, &set_of(&[libc::SIGXFSZ]));
}

#[cfg(not(unix))]
fn block_file_size_signal() {}

/// Changes that are kept for a file that can be read and not written; a crash makes four.
const UNWRITTEN: usize = 1000;

/// The file, and what is not in it.
struct LedgerFile {
    path: PathBuf,
    /// Changes that could not be written: they are made again, on whatever the file holds then.
    unwritten: Vec<Change>,
    /// Trouble with the file is reported once.
    warned: bool,
    lock_timeout: Duration,
    /// Whether the flight recorder's file was read: before this process begins to record into it.
    flight_read: bool,
}

impl LedgerFile {
    /// Under the lock: the contents of the file, changed, written; returns it, and whether it was written. Any trouble
    /// costs one warning, and goes on with what is `known`.
    fn update(&mut self, mut known: Record, changes: Vec<Change>) -> (Record, bool) {
        let change = |record: &mut Record| changes.iter().for_each(|change| change(record));
        // Before the lock: its file would lie beside what is not ours.
        if let Some(reason) = file::refused(&self.path) {
            return self.count_in_memory(known, &changes, &reason);
        }
        if self.leaves_no_file(&known, &change) {
            return (known, true);
        }
        let lock = self.lock();
        match file::read(&self.path) {
            Contents::Missing => {}
            Contents::Record(record) => {
                known = record;
                self.unwritten.iter().for_each(|change| change(&mut known));
            }
            Contents::Bad(reason) => self.set_aside(&reason),
            Contents::Unreadable(reason) => return self.count_in_memory(known, &changes, &reason),
        }
        let before = self.unwritten.is_empty().then(|| known.clone());
        let notes = file::crash_notes(&self.path);
        notes.iter().flatten().for_each(|(process, note)| known.add_crash_note(process, note));
        self.add_last_seen(&mut known);
        change(&mut known);
        if before.as_ref().is_some_and(|before| *before == known) {
            return (known, lock.is_ok());
        }
        let written = self.write(&known, before.is_some_and(|before| before.crashes == known.crashes));
        if written.is_ok() {
            self.unwritten.clear();
            notes.into_iter().for_each(|_| file::forget_crash_notes(&self.path));
        } else {
            self.keep(changes);
        }
        let durable = written.is_ok(); // Without the lock another process's change may be lost, but ours is there.
        if let Err(error) = lock.map(drop).and(written) {
            self.warn(&format!("{error}: {IN_MEMORY}"));
        }
        (known, durable)
    }

    /// Once: what this process itself records later is not for the ledger. Of a process that lives, nothing was last.
    fn add_last_seen(&mut self, record: &mut Record) {
        if !std::mem::replace(&mut self.flight_read, true)
            && let Some(entry) = flight::read(&flight::file(&self.path))
        {
            let (now, process) = (Moment::now(), entry.process());
            let is_this_boot = now.is_in_boot(entry.boot);
            // An earlier image of this process is gone.
            if is_this_boot && process != Identity::own() && process.is_alive() {
                return;
            }
            let seen = last_seen(&entry, &now, is_this_boot, flight::group_now());
            record.add_last_seen(&process, &seen);
        }
    }

    /// A lock that is held for ever costs one wait, not one for each change.
    fn lock(&mut self) -> std::io::Result<file::Lock> {
        let lock = file::lock(&self.path, self.lock_timeout);
        self.lock_timeout = if lock.is_ok() { file::LOCK_TIMEOUT } else { Duration::ZERO };
        lock
    }

    /// What is not there and would not be written needs no lock, which is a file, too: `--help` leaves no trace.
    fn leaves_no_file(&self, known: &Record, change: &impl Fn(&mut Record)) -> bool {
        if !self.unwritten.is_empty() || !file::is_missing(&self.path) {
            return false;
        }
        let mut changed = known.clone();
        change(&mut changed);
        changed == *known
    }

    fn write(&self, record: &Record, is_mark: bool) -> std::io::Result<()> {
        let bytes = record.to_bytes();
        if is_mark {
            // Only the power could take a mark away, and then it says nothing any more.
            return file::write_mark(&self.path, &bytes, !record.crashes.is_empty());
        }
        file::write(&self.path, &bytes, Survives::Power)
    }

    fn keep(&mut self, changes: Vec<Change>) {
        self.unwritten.extend(changes);
        let surplus = self.unwritten.len().saturating_sub(UNWRITTEN);
        self.unwritten.drain(..surplus);
    }

    fn count_in_memory(&mut self, mut known: Record, changes: &[Change], reason: &str) -> (Record, bool) {
        changes.iter().for_each(|change| change(&mut known));
        self.warn(&format!("{reason}: {IN_MEMORY}"));
        (known, false)
    }

    fn set_aside(&mut self, reason: &str) {
        match file::set_aside(&self.path) {
            Ok(aside) => {
                self.warn(&format!("not a ledger ({reason}): kept as {}, a new one begins", aside.display()));
            }
            Err(error) => self.warn(&format!("not a ledger ({reason}), and it cannot be set aside: {error}")),
        }
    }

    fn warn(&mut self, text: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            warn(&self.path, text);
        }
    }
}

fn warn(path: &Path, text: &str) {
    log::warn(format!("restart ledger {}: {text}", path.display()));
}
