//! What the process was started with, and its replacement by the same once more.
//!
//! `replace` allocates nothing and takes no lock.

use std::ffi::{CStr, CString, OsString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt;
use std::ptr::{null, null_mut};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use crate::os::re_exec::{handed_on, threads};
use crate::os::sigaction::{self, Set, change_mask, is_ignored};
use crate::os::signal::STOP_SIGNALS;
use crate::os::signal::hold::{hold, is_stop_pending};

/// Signals are numbered from 1; Linux has 64, others fewer.
const SIGNALS: c_int = 64;

/// Where the kernel has no `close_range`, and where the limit is in the millions, nobody has that many.
const MOST_DESCRIPTORS: libc::rlim_t = 65_536;

/// The executable's own file, even if another was put in its place.
const RUNNING: &CStr = c"/proc/self/exe";

/// The executable, its arguments, environment, working directory and signals, as they were at the start.
pub(crate) struct Image {
    /// Where the executable was; `ps` shows this name.
    path: CString,
    arguments: Vector,
    environment: Vector,
    /// The place in it for the variable that tells of descriptors.
    told: &'static AtomicPtr<c_char>,
    folder: Option<(CString, FileId)>,
    /// Indexed by signal.
    ignored: [bool; SIGNALS as usize + 1],
    /// What was blocked at the start. The stop signals join it: the next image unblocks them once it has its handlers.
    mask: Set,
}

/// Device and inode.
type FileId = (libc::dev_t, libc::ino_t);

/// A null-terminated list for `execve`, with a place at its end that may be filled; lives as long as the process.
struct Vector(&'static [AtomicPtr<c_char>]);

impl Vector {
    fn leak(strings: impl Iterator<Item = OsString>) -> Vector {
        // A string of the system holds no zero byte: none is lost here.
        let strings = strings.filter_map(|string| CString::new(string.into_vec()).ok());
        let pointers = strings.map(CString::into_raw).chain([null_mut(), null_mut()]);
        Vector(Vec::leak(pointers.map(AtomicPtr::new).collect()))
    }

    fn last(&self) -> &'static AtomicPtr<c_char> {
        &self.0[self.0.len() - 2]
    }

    /// An atomic pointer is laid out as a pointer.
    fn as_ptr(&self) -> *const *const c_char {
        self.0.as_ptr().cast()
    }
}

impl Image {
    /// To be called before the program can have changed anything.
    pub(crate) fn capture() -> Image {
        let path = std::env::current_exe().unwrap_or_default();
        let folder = std::env::current_dir().ok().and_then(|folder| {
            let folder = CString::new(OsString::from(folder).into_vec()).ok()?;
            Some((folder, file_id(c".")?))
        });
        let variables = std::env::vars_os().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            name
        });
        let environment = Vector::leak(variables);
        Image {
            path: CString::new(OsString::from(path).into_vec()).unwrap_or_default(),
            arguments: Vector::leak(std::env::args_os()),
            told: environment.last(),
            environment,
            folder,
            ignored: std::array::from_fn(|signal| c_int::try_from(signal).is_ok_and(is_ignored)),
            mask: change_mask(libc::SIG_BLOCK, &sigaction::set_of(&[])),
        }
    }

    /// Replaces the process's image by a new one, under the same pid. Returns only if that failed, `Interrupted` if a
    /// stop was asked for before; then mask and dispositions are what they were. Descriptors survive
    /// if they are registered as handed on, and the first three; every other stays close-on-exec.
    pub(crate) fn replace(&self) -> io::Error {
        let before = change_mask(libc::SIG_SETMASK, &self.mask);
        change_mask(libc::SIG_BLOCK, &sigaction::set_of(&STOP_SIGNALS));
        hold(true);
        threads::park();
        let failed = self.attempt();
        hold(false);
        change_mask(libc::SIG_SETMASK, &before);
        failed
    }

    fn attempt(&self) -> io::Error {
        if is_stop_pending() {
            return io::ErrorKind::Interrupted.into();
        }
        if let Err(error) = self.enter_folder() {
            return error;
        }
        close_descriptors_on_exec();
        clear_timers();
        let started_ignored = |signal: c_int| usize::try_from(signal).is_ok_and(|index| self.ignored[index]);
        let mut reset = [false; SIGNALS as usize + 1];
        for signal in (1..=SIGNALS).filter(|signal| is_ignored(*signal) && !started_ignored(*signal)) {
            sigaction::set_default(signal);
            reset[usize::try_from(signal).unwrap_or(0)] = true;
        }
        let opened = handed_on::open();
        let told = opened.variable().map_or(null(), CStr::as_ptr);
        self.told.store(told.cast_mut(), Relaxed);
        let error = self.execute();
        self.told.store(null_mut(), Relaxed);
        handed_on::close(&opened);
        for signal in (1..=SIGNALS).filter(|signal| usize::try_from(*signal).is_ok_and(|index| reset[index]))
        {
            sigaction::ignore(signal);
        }
        error
    }

    fn enter_folder(&self) -> io::Result<()> {
        let Some((folder, id)) = &self.folder else { return Ok(()) };
        // A folder that was renamed meanwhile is still the one that we are in.
        if file_id(c".") == Some(*id) {
            return Ok(());
        }
        // SAFETY: a string that ends in zero.
        match unsafe { libc::chdir(folder.as_ptr()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn execute(&self) -> io::Error {
        // After an update in place what runs goes on, not what lies there: an update is the operator's to start.
        let running = file_id(RUNNING);
        let moved = running.is_some() && running != file_id(&self.path);
        let path = if moved { RUNNING } else { &self.path };
        // SAFETY: a string that ends in zero, and lists of such strings that end in null.
        unsafe { libc::execve(path.as_ptr(), self.arguments.as_ptr(), self.environment.as_ptr()) };
        io::Error::last_os_error()
    }
}

fn file_id(path: &CStr) -> Option<FileId> {
    // SAFETY: a string that ends in zero; a zeroed stat is valid, and read only if it was filled.
    unsafe {
        let mut stat: libc::stat = MaybeUninit::zeroed().assume_init();
        (libc::stat(path.as_ptr(), &raw mut stat) == 0).then_some((stat.st_dev, stat.st_ino))
    }
}

/// What others opened without the flag would leak, at every restart.
fn close_descriptors_on_exec() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes numbers only, and closes nothing here.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } == 0 {
        return;
    }
    // SAFETY: a valid limit is filled; fcntl takes numbers only, and fails on those that are not open.
    unsafe {
        let mut limit: libc::rlimit = MaybeUninit::zeroed().assume_init();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let end = c_int::try_from(limit.rlim_cur.min(MOST_DESCRIPTORS)).unwrap_or(c_int::MAX);
        for descriptor in 3..end {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// They survive an `execve`, and a program without a handler would be killed by the first tick of a profiler.
fn clear_timers() {
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        // SAFETY: a zeroed timer is valid, and means off.
        unsafe {
            let off: libc::itimerval = MaybeUninit::zeroed().assume_init();
            libc::setitimer(timer, &raw const off, null_mut());
        }
    }
}
