//! A sandbox that forbids system calls, as container platforms do.

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};

/// Makes these system calls fail with EPERM in every thread of this process, from now on.
///
/// # Panics
/// If the kernel has no such sandbox.
pub fn forbid(calls: &[libc::c_long]) {
    let step = |code: u32, yes: u8, value: u32| sock_filter { code: code as u16, jt: yes, jf: 0, k: value };
    // The number of the call stands first in what the filter sees.
    let mut program = vec![step(BPF_LD | BPF_W | BPF_ABS, 0, 0)];
    for (index, call) in calls.iter().enumerate() {
        let to_the_end = u8::try_from(calls.len() - index).expect("a few");
        program.push(step(BPF_JMP | BPF_JEQ | BPF_K, to_the_end, u32::try_from(*call).expect("a number")));
    }
    program.push(step(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    program.push(step(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned()));
    let filter = sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is as long as is said; the kernel copies it.
    let result = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const filter,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// By a word, for a program's environment.
///
/// # Panics
/// If there is no such word.
pub fn forbid_by_name(what: &str) {
    match what {
        "exec" => forbid(&[libc::SYS_execve, libc::SYS_execveat]),
        "memory files" => forbid(&[libc::SYS_memfd_create]),
        "queued signals" => forbid(&[libc::SYS_rt_tgsigqueueinfo]),
        "signals" => forbid(&[libc::SYS_rt_tgsigqueueinfo, libc::SYS_tgkill]),
        other => panic!("nobody knows how to forbid {other:?}"),
    }
}
