//! `waitid`, and `/proc/self/task/*/children`.

use std::mem::MaybeUninit;

use lifecycle_os::{process, procfs, threads};

/// For a few thousand children of one thread; what does not fit is found once others are gone.
const BUFFER: usize = 32 * 1024;

/// Whether orphans come to this process, and the calling thread is the one that they come to.
pub(super) fn inherits_orphans() -> bool {
    let mut is_subreaper: libc::c_int = 0;
    // SAFETY: writes one `int`, which lives.
    let asked = unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut is_subreaper) };
    let pid = std::process::id();
    (pid == 1 || asked == 0 && is_subreaper != 0) && process::thread_id() == pid
}

pub(super) fn has_children() -> bool {
    wait(libc::P_ALL, 0, libc::WNOWAIT).is_some()
}

/// `None`: no child of this process. Otherwise whether it has ended; it stays as it is.
pub(super) fn is_zombie(pid: u32) -> Option<bool> {
    wait(libc::P_PID, pid, libc::WNOWAIT)
}

pub(super) fn reap(pid: u32) {
    let _was_there = wait(libc::P_PID, pid, 0);
}

fn wait(kind: libc::idtype_t, pid: u32, flags: libc::c_int) -> Option<bool> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = flags | libc::WEXITED | libc::WNOHANG;
    // SAFETY: writes into what is given, at most.
    let result = unsafe { libc::waitid(kind, pid, info.as_mut_ptr(), flags) };
    // SAFETY: zeroed before, and any number is a pid; it stays zero if no child has ended.
    (result == 0).then(|| unsafe { info.assume_init().si_pid() } != 0)
}

/// Calls `f` with each child, and whether it belongs to the process's first thread.
pub(super) fn for_each_child(mut f: impl FnMut(u32, bool)) {
    let first = std::process::id();
    threads::for_each(|thread| {
        let mut buffer = [0; BUFFER];
        let list = procfs::read(format_args!("/proc/self/task/{thread}/children"), &mut buffer);
        // Each number is followed by a space; one that is not was cut.
        let whole = list.iter().rposition(|byte| *byte == b' ').unwrap_or(0);
        let pids = list[..whole].split(|byte| *byte == b' ');
        let pids = pids.filter_map(|pid| std::str::from_utf8(pid).ok()?.parse().ok());
        pids.for_each(|pid| f(pid, thread == first));
    });
}
