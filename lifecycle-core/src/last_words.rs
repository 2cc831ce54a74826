//! What a dying process leaves beside its ledger: the fatal signal, or the panic that aborts.
//!
//! The handler makes only async-signal-safe calls; whoever handled the signal before it is called after it.

pub(crate) use imp::{arm, disarm, run_begins, say};

#[cfg(unix)]
mod imp {
    use std::ffi::{CString, c_int, c_void};
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;

    use crate::process::{Identity, since_boot_ms};

    /// What `abort`, the processor, the kernel's sandbox and std's stack guard end a process with.
    const FATAL: [(c_int, &str); 6] = [
        (libc::SIGABRT, "aborted (SIGABRT)"),
        (libc::SIGSEGV, "invalid memory access or stack overflow (SIGSEGV)"),
        (libc::SIGBUS, "invalid memory access (SIGBUS)"),
        (libc::SIGILL, "illegal instruction (SIGILL)"),
        (libc::SIGFPE, "arithmetic exception (SIGFPE)"),
        (libc::SIGSYS, "forbidden system call (SIGSYS)"),
    ];

    /// Seconds; a disk that does not answer must not keep a dead process alive.
    const PATIENCE: u32 = 2;

    struct Deathbed {
        path: CString,
        own: u32,
        /// Pid and start time, which every line begins with.
        prefix: String,
        /// As they were before, in the order of `FATAL`.
        before: [libc::sigaction; FATAL.len()],
    }

    static DEATHBED: OnceLock<Deathbed> = OnceLock::new();

    /// The first words are the cause, what follows is its consequence: a panic aborts, a stack overflow aborts.
    static SAID: AtomicBool = AtomicBool::new(false);

    static RUNS: AtomicBool = AtomicBool::new(false);

    /// Installs the handlers, once in a process. A handler that the user installs later replaces ours, unless it calls it.
    /// The words go to `file`, which is made then.
    pub(crate) fn arm(file: &Path) {
        let Ok(path) = CString::new(file.as_os_str().as_bytes()) else { return };
        // SAFETY: sigaction only reads into a valid, zeroed struct.
        let before = FATAL.map(|(signal, _)| unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            libc::sigaction(signal, std::ptr::null(), &raw mut action);
            action
        });
        let Identity { pid, start } = Identity::own();
        let prefix = format!("{pid} {} ", start.unwrap_or(0));
        if DEATHBED.set(Deathbed { path, own: pid, prefix, before }).is_err() {
            return;
        }
        // SAFETY: a plain function, which lives as long as the process.
        unsafe { libc::atexit(on_exit) };
        for (signal, _) in FATAL {
            // SAFETY: a zeroed sigaction is valid, and the handler does only what a handler may. SA_ONSTACK, since a
            // stack that overflowed has no room.
            unsafe {
                let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
                action.sa_sigaction =
                    on_fatal as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as libc::sighandler_t;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigemptyset(&raw mut action.sa_mask);
                libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            }
        }
    }

    /// A run has begun: from now on `exit` is a death, too. Before, `init` may leave with it as it likes.
    pub(crate) fn run_begins() {
        RUNS.store(true, Relaxed);
    }

    /// The process ends as it should: nothing is left to say.
    pub(crate) fn disarm() {
        SAID.store(true, Relaxed);
    }

    /// Leaves one line, the first in the life of the process.
    pub(crate) fn say(words: &str) {
        if let Some(deathbed) = DEATHBED.get()
            && !SAID.swap(true, Relaxed)
        {
            deathbed.write(words);
        }
    }

    impl Deathbed {
        /// Async-signal-safe, and small: the stack for signals has a few kilobytes.
        fn write(&self, words: &str) {
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOFOLLOW;
            // SAFETY: the path ends in NUL, the texts are readable; all three are on POSIX's list of async-signal-safe
            // functions. Not blocking: somebody may have put a FIFO there.
            unsafe {
                let file = libc::open(self.path.as_ptr(), flags | libc::O_NONBLOCK, 0o600);
                if file >= 0 {
                    let mut digits = [0; 20];
                    let now = decimal(since_boot_ms(), &mut digits);
                    for text in [self.prefix.as_bytes(), now, b" ", words.as_bytes(), b"\n"] {
                        libc::write(file, text.as_ptr().cast(), text.len());
                    }
                    libc::close(file);
                }
            }
        }
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

    /// `exit` in the middle of a run: it runs handlers such as this one, and no hook.
    extern "C" fn on_exit() {
        if RUNS.load(Relaxed) {
            say("the program called exit");
        }
    }

    extern "C" fn on_fatal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        let Some(deathbed) = DEATHBED.get() else { return };
        let index = FATAL.iter().position(|(fatal, _)| *fatal == signal).unwrap_or(0);
        // SAFETY: getpid, signal and alarm are async-signal-safe and take numbers only.
        unsafe {
            // A child between fork and exec dies its own death.
            if u32::try_from(libc::getpid()) == Ok(deathbed.own) {
                libc::signal(libc::SIGALRM, libc::SIG_DFL);
                libc::alarm(PATIENCE);
                say(FATAL[index].1);
                libc::alarm(0);
            }
        }
        let before = &deathbed.before[index];
        match before.sa_sigaction {
            // SAFETY: as it was before us; the signal comes again, by itself or raised, and ends the process.
            libc::SIG_DFL | libc::SIG_IGN => unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            },
            // SAFETY: std's handler, or the user's: called as the kernel would have called it.
            handler if before.sa_flags & libc::SA_SIGINFO != 0 => unsafe {
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            },
            // SAFETY: a handler of one argument.
            handler => unsafe {
                let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
                handler(signal);
            },
        }
    }
}

#[cfg(not(unix))]
mod imp {
    pub(crate) fn arm(_: &std::path::Path) {}

    pub(crate) fn run_begins() {}

    pub(crate) fn disarm() {}

    pub(crate) fn say(_: &str) {}
}
