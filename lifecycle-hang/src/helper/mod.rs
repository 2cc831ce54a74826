//! The helper: a fresh copy of this very executable that finds names for addresses, whatever state this process is in.
//!
//! A constructor of the executable looks for a variable before main. With it, the copy reads the dump that it inherited,
//! writes the report into it, and ends. Without it, in every process that is not a helper, it costs one `getenv`.

mod environment;
mod memory;

use std::ffi::{CStr, c_char, c_int};
use std::ptr::null;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use lifecycle_os::process;
use lifecycle_os::text::Text;

use crate::diagnose::render;
use crate::dump::{Data, Mapping};
use crate::symbolize::{DebugInfo, SymbolTables};
use environment::Environment;

/// The variable: the number of the descriptor of the dump. No user's, so it begins with an underscore.
const VARIABLE: &CStr = c"_LIFECYCLE_HANG_HELPER";

/// How long it may take.
const TIMEOUT: Duration = Duration::from_millis(2500);

/// Lets a helper write the report into the dump, unless that loses its point. Returns why it did not.
pub(crate) fn run(mapping: &mut Mapping, is_outdated: &dyn Fn() -> bool) -> Result<(), &'static str> {
    if mapping.descriptor < 0 {
        return Err("there is no memory file");
    }
    if !memory::is_enough() {
        return Err("memory is tight");
    }
    let pid = spawn(mapping.descriptor).ok_or("no copy of the program can be started")?;
    wait(pid, mapping, is_outdated);
    match mapping.data().finished.load(Acquire) {
        1 => Ok(()),
        _ => Err("the copy of the program did not answer"),
    }
}

/// Until it has ended, in one way or another.
fn wait(pid: libc::pid_t, mapping: &mut Mapping, is_outdated: &dyn Fn() -> bool) {
    let end = Instant::now() + TIMEOUT;
    let mut status = 0;
    // Whether it is done is asked of the dump: somebody else may have taken its exit code.
    while mapping.data().finished.load(Acquire) == 0 {
        // SAFETY: one writable integer; the pid is our child's, or nobody's.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } != 0 {
            break;
        }
        if Instant::now() > end || is_outdated() {
            // SAFETY: not waited for yet, so the pid is still our child's.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: as above. It has ended, or is about to: `_exit` is its next step, or SIGKILL was sent.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
}

/// `posix_spawn` shares our memory until the `exec`: it copies nothing, allocates nothing and runs no `atfork` handler.
#[inline(never)]
fn spawn(descriptor: c_int) -> Option<libc::pid_t> {
    let mut environment = Environment::new();
    environment.fill(VARIABLE, descriptor);
    let arguments: [*const c_char; 2] = [c"lifecycle-hang-report".as_ptr(), null()];
    let mut pid = 0;
    // SAFETY: both lists end with null, and all texts with a zero. The descriptor is ours; that a child which somebody
    // else starts right now inherits it as well is harmless.
    let started = unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, 0);
        let started = libc::posix_spawn(
            &raw mut pid,
            c"/proc/self/exe".as_ptr(),
            null(),
            null(),
            arguments.as_ptr().cast(),
            environment.as_ptr().cast(),
        );
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        started
    };
    (started == 0).then_some(pid)
}

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = become_helper;

/// Runs before main, and before std's own set-up: with nothing but this thread.
extern "C" fn become_helper() {
    // SAFETY: no other thread exists that could change the environment; the text ends with a zero.
    let descriptor = unsafe {
        let value = libc::getenv(VARIABLE.as_ptr());
        if value.is_null() {
            return;
        }
        libc::atoi(value)
    };
    let Some(mut mapping) = Mapping::inherited(descriptor) else { return };
    let is_ours = mapping.data().facts.pid == std::os::unix::process::parent_id();
    if !is_ours {
        return;
    }
    detach(descriptor);
    write(&mut mapping);
    process::exit(0);
}

/// The first that is killed where memory runs out is the helper, and never the service. Whatever else was inherited is closed, so that no lock and no connection of the service's outlives it in here; and the
/// helper goes where the service goes.
fn detach(descriptor: c_int) {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    // SAFETY: system calls without pointers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        let (before, after) = (descriptor - 1, descriptor + 1);
        if before >= 3 {
            libc::syscall(libc::SYS_close_range, 3, before, 0);
        }
        libc::syscall(libc::SYS_close_range, after, c_int::MAX, 0);
    }
}

fn write(mapping: &mut Mapping) {
    let ours = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let walks = mapping.walks();
    let Data { facts, text, finished, .. } = mapping.data();
    let theirs = facts.maps.as_str().to_owned();
    let mut symbols = DebugInfo::new(facts.pid, &theirs, &ours);
    render(walks, facts, &mut symbols, text);
    finished.store(1, Release);
}

/// For the dying process itself, when no helper could be had.
pub(crate) fn write_without_help(mapping: &mut Mapping, why: &str) {
    let walks = mapping.walks();
    let Data { facts, text, .. } = mapping.data();
    facts.no_lines = Text::of(why);
    let maps = facts.maps;
    text.clear();
    let mut symbols = SymbolTables::new(maps.as_str());
    render(walks, facts, &mut symbols, text);
}
