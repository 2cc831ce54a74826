//! What a report is asked for, and what is known before anybody is looked into: values and functions of whoever asks.

use std::fmt::{self, Display};
use std::time::Duration;

use lifecycle_os::clock::Age;
use lifecycle_os::text::Text;

use crate::dump::TASK_NAME;

/// Why a report is made, and with it how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The process is about to end: nothing that was installed for the report is taken back.
    Fatal,
    /// Something may hang soon: only suspects are shown, and kept to be compared with the fatal report.
    HalfTime,
    /// Something is late: only suspects are shown.
    Suspects,
    /// Somebody wants to know; nothing need be wrong.
    Asked,
}

/// A place in the code, and who was there last.
#[derive(Clone, Copy)]
pub struct Breadcrumb<'a> {
    /// As in "heartbeat `tick`".
    pub of: &'a dyn Display,
    /// As in `src/main.rs:7`.
    pub place: &'a dyn Display,
}

/// One report.
///
/// ```
/// use lifecycle_hang::{ReportKind, Request};
///
/// let title = "hang report of the price feed:";
/// let request = Request { files: &[file!()], ..Request::new(ReportKind::Asked, &title) };
/// let mut text = String::new();
/// lifecycle_hang::write(&request, &mut text).unwrap();
/// assert!(text.starts_with(title) && text.contains("threads:"), "{text}");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Why it is made.
    pub kind: ReportKind,
    /// Its first line.
    pub title: &'a dyn Display,
    /// Lines that stand before tasks and threads, as they are.
    pub notes: &'a dyn Display,
    /// Where what hangs was last, if it left word of it.
    pub breadcrumb: Option<Breadcrumb<'a>>,
    /// The thread that it is about, or 0: named first.
    pub thread: u32,
    /// A task that is in one poll for so long is a suspect, whatever its thread does; `None`: no task is.
    pub longest_poll: Option<Duration>,
    /// Tasks that can tell what they wait for.
    pub tasks: &'a dyn TaskSource,
    /// Files of the program, as `file!()` gives them: by them the workspace is known. Up to eight count.
    pub files: &'a [&'a str],
    /// The program's own crates, with underscores, and commas in between; where it is empty, files must tell. Up to 4 KiB count.
    pub crates: &'a dyn Display,
    /// Crates that drive the program's tasks, with underscores: their frames are folded. Up to four count.
    pub own_crates: &'a [&'a str],
    /// Whether the report has lost its point; asked while it is made.
    pub is_outdated: &'a dyn Fn() -> bool,
    /// Whether all frames are shown.
    pub is_full: bool,
    /// As one line of JSON, with this in it.
    pub json: Option<Json<'a>>,
}

/// What a report in JSON says in entries of their own.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    /// Why it is made, in a word.
    pub kind: &'a str,
    /// When.
    pub date: &'a dyn Display,
    /// What is late, if that is known.
    pub heartbeat: Option<&'a str>,
    /// For how long it is.
    pub age: Duration,
    /// What is said to people.
    pub message: &'a dyn Display,
}

impl<'a> Request<'a> {
    /// With nothing but a title.
    #[must_use]
    pub fn new(kind: ReportKind, title: &'a dyn Display) -> Request<'a> {
        Request {
            kind,
            title,
            notes: &"",
            breadcrumb: None,
            thread: 0,
            longest_poll: None,
            tasks: &NoTasks,
            files: &[],
            crates: &"",
            own_crates: &[],
            is_outdated: &|| false,
            is_full: false,
            json: None,
        }
    }
}

/// The tasks of the program.
pub trait TaskSource {
    /// Calls `f` with each task that lives. Must not allocate or lock.
    fn for_each(&self, f: &mut dyn FnMut(&'static dyn TracedTask));

    /// Whether what the report is about waits in this task: then it is named first. Must not allocate or lock.
    fn is_about(&self, task: &dyn TracedTask) -> bool {
        let _ = task;
        false
    }

    /// Has the tasks polled that were asked to be traced. A scheduler's locks may be held by whoever hangs: then another
    /// thread is told to.
    fn wake(&self);
}

/// A task that is polled with [`trace_poll`](crate::trace_poll) when a report wants to know what it waits for.
pub trait TracedTask: Sync {
    /// What is known of it now. Must not allocate or lock.
    fn state(&self) -> TaskState;

    /// At its next poll, `token` is to be passed to `trace_poll`; 0: no more.
    fn trace(&self, token: u64);
}

/// A task at one moment.
#[derive(Clone, Copy, Debug)]
pub struct TaskState {
    /// What it is called.
    pub name: Text<TASK_NAME>,
    /// Where it was spawned; may be empty.
    pub place: Text<160>,
    /// The thread that polls it, or 0.
    pub thread: u32,
    /// How often it was polled.
    pub polls: u64,
    /// In this poll, or since the last one.
    pub age: Age,
}

/// For a program without tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTasks;

impl TaskSource for NoTasks {
    fn for_each(&self, _: &mut dyn FnMut(&'static dyn TracedTask)) {}

    fn wake(&self) {}
}

impl fmt::Debug for Breadcrumb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Breadcrumb({} at {})", self.of, self.place)
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("title", &format_args!("{}", self.title))
            .field("breadcrumb", &self.breadcrumb)
            .finish_non_exhaustive()
    }
}
