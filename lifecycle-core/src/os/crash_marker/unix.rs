//! The handlers and the note. Everything but `arm` may be called while the process is broken.

use std::ffi::{CString, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::{LEFT, is_meant};
use crate::os::clock::since_boot_ms;
use crate::os::flight;
use crate::os::process::Identity;
use crate::os::sigaction::{self, Action};

/// What `abort`, the processor, the kernel's sandbox and std's stack guard end a process with.
const FATAL: [(c_int, &str); 6] = [
    (libc::SIGABRT, "aborted (SIGABRT)"),
    (libc::SIGSEGV, "invalid memory access or stack overflow (SIGSEGV)"),
    (libc::SIGBUS, "invalid memory access (SIGBUS)"),
    (libc::SIGILL, "illegal instruction (SIGILL)"),
    (libc::SIGFPE, "arithmetic exception (SIGFPE)"),
    (libc::SIGSYS, "forbidden system call (SIGSYS)"),
];

/// In seconds: a disk that does not respond must not keep a dead process alive.
const WRITE_TIMEOUT: u32 = 2;

struct Marker {
    path: CString,
    own: u32,
    /// Pid and start time, which every line begins with.
    prefix: String,
    /// As they were before, in the order of `FATAL`.
    before: [Action; FATAL.len()],
}

/// How far the process has come.
struct Progress {
    /// The first note is the cause, what follows is its consequence: a panic aborts, a stack overflow aborts.
    has_noted: AtomicBool,
    runs: AtomicBool,
    was_up: AtomicBool,
}

/// Read by handlers of signals and of `exit`, which get no argument of ours.
static MARKER: OnceLock<Marker> = OnceLock::new();
static PROGRESS: Progress = Progress {
    has_noted: AtomicBool::new(false),
    runs: AtomicBool::new(false),
    was_up: AtomicBool::new(false),
};

/// Installs the handlers, once in a process. A handler that the user installs later replaces ours, unless it calls it.
/// The note goes to `file`, which is created then.
pub(crate) fn arm(file: &Path) {
    let Ok(path) = CString::new(file.as_os_str().as_bytes()) else { return };
    let before = FATAL.map(|(signal, _)| sigaction::current(signal));
    let Identity { pid, start } = Identity::own();
    let prefix = format!("{pid} {} ", start.unwrap_or(0));
    if MARKER.set(Marker { path, own: pid, prefix, before }).is_err() {
        return;
    }
    on_exit::install();
    for (signal, _) in FATAL {
        // SA_ONSTACK, since a stack that overflowed has no room.
        // SAFETY: the handler makes async-signal-safe calls only.
        unsafe {
            let flags = libc::SA_ONSTACK | libc::SA_NODEFER;
            sigaction::install_with_info(signal, on_fatal, flags, &sigaction::set_of(&[]));
        }
    }
}

/// A run begins: from now on `exit` may be a crash, too. Before, `init` may leave with it as it likes.
pub(crate) fn run_begins() {
    PROGRESS.runs.store(true, Relaxed);
}

/// From now on an exit code of 2, or of 64 to 78, is a crash.
pub(crate) fn service_is_up() {
    PROGRESS.was_up.store(true, Relaxed);
}

/// The process ends as it should: there is nothing to note.
pub(crate) fn disarm() {
    PROGRESS.has_noted.store(true, Relaxed);
}

/// Leaves one line, the first in the life of the process.
pub(crate) fn note(text: &str) {
    note_all(&[text.as_bytes()]);
}

fn note_all(texts: &[&[u8]]) {
    // A child that was forked and has not called exec dies its own death.
    if let Some(marker) = MARKER.get().filter(|marker| marker.own == std::process::id())
        && !PROGRESS.has_noted.swap(true, Relaxed)
    {
        marker.write(texts);
    }
}

impl Marker {
    /// Runs `f`, which may abort in the handler of another signal, without our handler of SIGABRT: with the wide registers of
    /// some processors two of the kernel's frames do not fit on the stack for signals, and the last words are noted by now.
    fn without_abort(&self, signal: c_int, f: impl FnOnce()) {
        let ours = sigaction::current(libc::SIGABRT);
        if signal == libc::SIGABRT || ours.sa_sigaction != on_fatal as *const () as libc::sighandler_t {
            return f();
        }
        // SAFETY: what was there before us, and then ours again: both live as long as the process.
        unsafe { sigaction::restore(libc::SIGABRT, &self.before[index_of(libc::SIGABRT)]) };
        f();
        // SAFETY: as above.
        unsafe { sigaction::restore(libc::SIGABRT, &ours) };
    }

    /// Small, since the stack for signals has a few kilobytes.
    fn write(&self, texts: &[&[u8]]) {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOFOLLOW;
        // SAFETY: the path ends in NUL, the texts are readable; all three are on POSIX's list of async-signal-safe
        // functions. Not blocking: somebody may have put a FIFO there.
        unsafe {
            let file = libc::open(self.path.as_ptr(), flags | libc::O_NONBLOCK, 0o600);
            if file >= 0 {
                let mut digits = [0; 20];
                let now = decimal(since_boot_ms(), &mut digits);
                let line = [self.prefix.as_bytes(), now, b" "];
                for text in line.iter().chain(texts).chain(&[&b"\n"[..]]) {
                    libc::write(file, text.as_ptr().cast(), text.len());
                }
                libc::close(file);
            }
        }
    }
}

fn index_of(signal: c_int) -> usize {
    FATAL.iter().position(|(fatal, _)| *fatal == signal).unwrap_or(0)
}

/// Without the formatting machinery of std, which needs more stack.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// `exit` in the middle of a run runs handlers such as this one, and no hook.
fn leave(code: Option<c_int>) {
    if !PROGRESS.runs.load(Relaxed) {
        return;
    }
    let was_up = PROGRESS.was_up.load(Relaxed);
    match code {
        Some(code) if is_meant(code, was_up) => {
            let mut digits = [0; 20];
            note_all(&[LEFT.as_bytes(), b" ", decimal(u64::from(code.unsigned_abs()), &mut digits)]);
        }
        _ => note("the program called exit"),
    }
}

/// glibc passes the exit code to its handlers.
#[cfg(target_env = "gnu")]
mod on_exit {
    use std::ffi::{c_int, c_void};
    use std::ptr::null_mut;

    unsafe extern "C" {
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }

    extern "C" fn handler(code: c_int, _: *mut c_void) {
        super::leave(Some(code));
    }

    pub(super) fn install() {
        // SAFETY: a plain function, which lives as long as the process.
        unsafe { on_exit(handler, null_mut()) };
    }
}

#[cfg(not(target_env = "gnu"))]
mod on_exit {
    extern "C" fn handler() {
        super::leave(None);
    }

    pub(super) fn install() {
        // SAFETY: a plain function, which lives as long as the process.
        unsafe { libc::atexit(handler) };
    }
}

extern "C" fn on_fatal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: what the kernel passed; only SIGBUS and SIGSEGV have an address.
    if signal == libc::SIGBUS && !info.is_null() && flight::recover(unsafe { (*info).si_addr() }) {
        return;
    }
    let Some(marker) = MARKER.get() else { return };
    let index = index_of(signal);
    if marker.own == std::process::id() {
        sigaction::set_default(libc::SIGALRM);
        // SAFETY: takes a number only.
        unsafe { libc::alarm(WRITE_TIMEOUT) };
        note(FATAL[index].1);
        // SAFETY: as above.
        unsafe { libc::alarm(0) };
    }
    let before = &marker.before[index];
    marker.without_abort(signal, || {
        // SAFETY: what was installed for this signal before, and the arguments that the kernel passed.
        unsafe { sigaction::call_previous(before, signal, info, context) };
    });
    if matches!(before.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) {
        // It comes again, by itself or like this, and ends the process. To this thread: a handler elsewhere
        // would let this one return to the instruction.
        // SAFETY: takes a number only.
        unsafe { libc::raise(signal) };
    }
}
