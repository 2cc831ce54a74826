//! A service as a child process: started, signalled, awaited, its output kept.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far beyond what any case takes: a test that waits so long has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service to be started, in a folder of its own.
#[derive(Debug)]
pub struct Service {
    command: Command,
    folder: Arc<TempDir>,
}

impl Service {
    /// The program at `path`, such as `env!("CARGO_BIN_EXE_hooks")`.
    ///
    /// # Panics
    /// If no temporary folder can be made.
    #[must_use]
    pub fn new(path: &str) -> Service {
        Service::inside(path, Arc::new(tempfile::tempdir().expect("a folder")))
    }

    /// As `new`, in the folder of an earlier one: what a platform's restart is.
    #[must_use]
    pub fn inside(path: &str, folder: Arc<TempDir>) -> Service {
        let mut command = Command::new(path);
        command.current_dir(folder.path()).env_clear();
        // Coverage and sanitizers speak through the environment; nothing of the developer's own may reach a service.
        for kept in ["PATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "TMPDIR"] {
            std::env::var_os(kept).into_iter().for_each(|value| {
                command.env(kept, value);
            });
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A shell that starts the tests in the background has them ignore these, which is inherited.
        // SAFETY: `signal` is async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                Ok(())
            });
        }
        Service { command, folder }
    }

    /// An argument for the service: its scenario.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Service {
        self.command.arg(arg);
        self
    }

    /// Several arguments.
    #[must_use]
    pub fn args<const N: usize>(mut self, args: [&str; N]) -> Service {
        self.command.args(args);
        self
    }

    /// A variable of the service's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Service {
        self.command.env(name, value);
        self
    }

    /// The command itself, for what the harness has no name for.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Where it will run.
    #[must_use]
    pub fn folder(&self) -> Arc<TempDir> {
        self.folder.clone()
    }

    /// Starts it.
    ///
    /// # Panics
    /// If there is no such program.
    #[must_use]
    pub fn start(mut self) -> Running {
        let started = Instant::now();
        let mut child = self.command.spawn().expect("the service starts");
        let (sender, lines) = channel();
        let readers = [
            child.stdout.take().map(|pipe| reader(pipe, Stream::Out, sender.clone())),
            child.stderr.take().map(|pipe| reader(pipe, Stream::Err, sender)),
        ];
        Running {
            child,
            folder: self.folder,
            started,
            lines,
            readers: readers.into_iter().flatten().collect(),
            text: Mutex::default(),
        }
    }

    /// Starts it and waits for its end.
    #[must_use]
    pub fn run(self) -> Output {
        self.start().wait()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stream {
    Out,
    Err,
}

/// A thread per pipe: a service must never block on a test that does not read.
fn reader(
    pipe: impl Read + Send + 'static,
    stream: Stream,
    lines: std::sync::mpsc::Sender<(Stream, String)>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if lines.send((stream, line)).is_err() {
                return;
            }
        }
    })
}

/// A service that runs. Killed if the test ends without it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    folder: Arc<TempDir>,
    started: Instant,
    lines: Receiver<(Stream, String)>,
    readers: Vec<JoinHandle<()>>,
    text: Mutex<(String, String)>,
}

/// What a service left behind.
#[derive(Debug)]
pub struct Output {
    /// The exit code; a signal that killed it is `128 + signal`, as shells say.
    pub code: i32,
    /// All of it.
    pub stdout: String,
    /// All of it.
    pub stderr: String,
    /// From the start to the end.
    pub took: Duration,
    /// Where it ran.
    pub folder: Arc<TempDir>,
}

impl Running {
    /// Waits for a line on stdout or stderr that holds `text`, and returns it.
    ///
    /// # Panics
    /// If the service ends, or a minute passes, without it.
    pub fn line(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => {
                    self.keep(stream, &line);
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(why) => {
                    let text_so_far = self.text.lock().expect("one thread");
                    let why = if why == RecvTimeoutError::Timeout { "in time" } else { "before its end" };
                    panic!("no line with {text:?} {why}\n{}\n{}", text_so_far.0, text_so_far.1);
                }
            }
        }
    }

    fn keep(&self, stream: Stream, line: &str) {
        let mut text = self.text.lock().expect("one thread");
        let text = if stream == Stream::Out { &mut text.0 } else { &mut text.1 };
        text.push_str(line);
        text.push('\n');
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If the service is gone.
    pub fn signal(&self, signal: libc::c_int) {
        assert!(self.signal_if_alive(signal), "the service lives");
    }

    /// Sends a signal, for tests in which the service may just be ending. Returns whether it was there.
    ///
    /// # Panics
    /// Never: a pid is a number of its type.
    pub fn signal_if_alive(&self, signal: libc::c_int) -> bool {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a pid");
        // SAFETY: takes numbers only; the child was not waited for, so the pid is still its own.
        unsafe { libc::kill(pid, signal) == 0 }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// If the system cannot tell.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end within a minute.
    #[must_use]
    pub fn wait(mut self) -> Output {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                self.drain();
                let text = self.text.lock().expect("one thread");
                panic!("the service does not end\n{}\n{}", text.0, text.1);
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let took = self.started.elapsed();
        self.drain();
        let (stdout, stderr) = std::mem::take(&mut *self.text.lock().expect("one thread"));
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Output { code, stdout, stderr, took, folder: self.folder.clone() }
    }

    fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        while let Ok((stream, line)) = self.lines.try_recv() {
            self.keep(stream, &line);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    /// Asserts the exit code, showing everything where it is another.
    ///
    /// # Panics
    /// If the service ended with another code.
    #[track_caller]
    #[must_use]
    pub fn expect_code(self, code: i32) -> Output {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The lines on stdout.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// A file of the folder that it ran in.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
