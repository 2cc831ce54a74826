//! Services as child processes: this program again, with arguments that pick one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::clock;

/// No child outlives this, whatever it or its parent does.
const LIFE_SECONDS: u32 = 120;

/// Runs a service of ours; SIGALRM ends it if nothing else does.
pub(crate) fn bounded(service: impl FnOnce() -> ExitCode) -> ExitCode {
    bounded_by(LIFE_SECONDS, service)
}

pub(crate) fn bounded_by(seconds: u32, service: impl FnOnce() -> ExitCode) -> ExitCode {
    // SAFETY: sets a timer, nothing else.
    unsafe { libc::alarm(seconds) };
    service()
}

pub(crate) struct Service {
    child: Child,
    /// Readable once the child has ended.
    ended: OwnedFd,
    stdout: BufReader<ChildStdout>,
    folder: TempDir,
    /// The moment just before it was started.
    pub(crate) spawned: u64,
}

impl Service {
    /// In an empty folder, with an environment of the given variables alone.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Service {
        let folder = tempfile::tempdir().expect("a folder");
        let stderr = File::create(folder.path().join("stderr")).expect("a file in it");
        let mut command = Command::new(std::env::current_exe().expect("its own path"));
        command.args(arguments).current_dir(folder.path()).env_clear().envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let spawned = clock::now();
        let mut child = command.spawn().expect("the service starts");
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let ended = pidfd(child.id());
        Service { child, ended, stdout, folder, spawned }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its next line; empty if there will be none.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a readable pipe");
        line.trim_end().to_owned()
    }

    pub(crate) fn terminate(&self) {
        // SAFETY: a child that was not waited for yet: its id is still its own.
        unsafe { libc::kill(libc::pid_t::try_from(self.child.id()).expect("a pid"), libc::SIGTERM) };
    }

    /// Waits for its end, for so long at most. Returns whether it came.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let mut poll = libc::pollfd { fd: self.ended.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let millis = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&raw mut poll, 1, millis) > 0 }
    }

    /// What is left of it; a service that still lives is killed.
    pub(crate) fn remains(mut self) -> Remains {
        // It may have ended: then there is nothing to kill.
        let _ = self.child.kill();
        let status = self.child.wait().expect("a child of ours");
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("text");
        let stderr = std::fs::read(self.folder.path().join("stderr")).expect("its file");
        let code = match (status.code(), status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or(0)),
        };
        Remains { code, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }
}

pub(crate) struct Remains {
    pub(crate) code: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Polling for a child's end with `waitpid` would cost as much as what is measured.
fn pidfd(id: u32) -> OwnedFd {
    // SAFETY: the id of a child that was not waited for; the descriptor that it returns is ours.
    unsafe {
        let descriptor = libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(id), 0);
        assert!(descriptor >= 0, "pidfd_open needs Linux 5.3");
        OwnedFd::from_raw_fd(i32::try_from(descriptor).expect("a descriptor"))
    }
}
