//! What `lifecycle-hang` is asked for: heartbeats and tasks, as it takes them.

use std::fmt::Write;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use lifecycle_hang::{Breadcrumb, Json, ReportKind, Request, TaskSource, TaskState, TracedTask};
pub(super) use lifecycle_hang::{prepare, sample, trace_poll};

use super::about::{Message, now};
use super::culprit::Culprit;
use super::workspace::Crates;
use super::{About, LONGEST_REPORT, fatal_has_begun, plain, reporter, settings, wake_all};
use crate::os::text::Text;
use crate::tasks::tracked::{TrackedTask, live_tasks};
use crate::watchdog::heartbeat::{self, Heartbeat};

const _: () = assert!(lifecycle_hang::LONGEST.as_millis() <= LONGEST_REPORT.as_millis());

/// Files by which the workspace is known.
const FILES: usize = 8;

/// Makes a report and hands it to `out`. Allocates nothing, and waits for nobody without an end.
pub(super) fn write(about: &About, out: &mut dyn Write) {
    let (title, notes) = (about.title(), about.heartbeats());
    let crumb = about.crumb();
    let of = crumb.map(|(heartbeat, _)| Owner(heartbeat.name()));
    let breadcrumb = of.as_ref().zip(crumb).map(|(of, (_, place))| Breadcrumb { of, place });
    let message = Message(about);
    let date = now();
    let heartbeat = about.heartbeat();
    let json = about.is_json().then(|| Json {
        kind: about.word(),
        date: &date,
        heartbeat: heartbeat.map(Heartbeat::name),
        age: heartbeat.map_or(Duration::ZERO, Heartbeat::stale),
        message: &message,
    });
    let request = Request {
        json,
        notes: &notes,
        breadcrumb,
        thread: about.thread(),
        longest_poll: about.longest_poll(),
        tasks: &Tasks { kind: about.kind(), culprit: about.culprit() },
        files: &files(),
        own_crates: &["lifecycle_core"],
        crates: &Crates,
        is_outdated: &|| about.kind() != ReportKind::Fatal && fatal_has_begun(),
        is_full: settings::is_full(),
        ..Request::new(about.kind(), &title)
    };
    if let Err(error) = lifecycle_hang::write(&request, out) {
        plain::write(about, &error, out);
    }
}

impl About {
    /// That it is about; 0 is none.
    fn thread(&self) -> u32 {
        match self {
            About::Frozen(task) => task.snapshot().thread,
            About::Worker(busy) => busy.thread,
            _ => self.culprit().map_or(0, |culprit| culprit.thread()),
        }
    }

    /// By ticks of the watchdog's, as a heartbeat's age: one that is a tick younger may have held it up.
    fn longest_poll(&self) -> Option<Duration> {
        match self {
            About::Hang(heartbeat) | About::HalfTime(heartbeat, _) => Some(heartbeat.stale().mul_f64(0.75)),
            About::Frozen(task) => task.snapshot().age.0,
            About::Late | About::Asked | About::LeftBehind | About::Worker(_) => None,
        }
    }

    fn kind(&self) -> ReportKind {
        match self {
            About::Hang(_) => ReportKind::Fatal,
            About::HalfTime(..) => ReportKind::HalfTime,
            About::Late | About::Frozen(_) | About::Worker(_) => ReportKind::Suspects,
            About::Asked | About::LeftBehind => ReportKind::Asked,
        }
    }
}

/// Of a breadcrumb.
struct Owner(&'static str);

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "heartbeat `{}`", self.0)
    }
}

/// Where heartbeats and tasks were declared or spawned.
fn files() -> [&'static str; FILES] {
    let heartbeats = heartbeat::all().filter(|heartbeat| !heartbeat.is_probe());
    let heartbeats = heartbeats.map(|heartbeat| heartbeat.place().file);
    let tasks = live_tasks().filter_map(|task| task.snapshot().place).map(|place| place.file);
    let mut files = [""; FILES];
    files.iter_mut().zip(heartbeats.chain(tasks)).for_each(|(slot, file)| *slot = file);
    files
}

/// The tasks that are tracked.
struct Tasks {
    kind: ReportKind,
    culprit: Option<Culprit>,
}

impl TaskSource for Tasks {
    fn for_each(&self, f: &mut dyn FnMut(&'static dyn TracedTask)) {
        live_tasks().for_each(|task| f(task));
    }

    fn is_about(&self, task: &dyn TracedTask) -> bool {
        let address = std::ptr::from_ref(task).addr();
        self.culprit.is_some_and(|culprit| culprit.is_in(address))
    }

    /// The fatal report is made by the watchdog, which must not take locks of the scheduler's.
    fn wake(&self) {
        if self.kind == ReportKind::Fatal { reporter::wake_tasks() } else { wake_all() }
    }
}

impl TracedTask for TrackedTask {
    fn state(&self) -> TaskState {
        let snapshot = self.snapshot();
        let mut place = Text::new();
        if let Some(at) = snapshot.place {
            let _ = write!(place, "{at}");
        }
        let (thread, polls, age) = (snapshot.thread, snapshot.polls, snapshot.age);
        TaskState { name: snapshot.name, place, thread, polls, age }
    }

    fn trace(&self, token: u64) {
        self.wanted.store(token, Release);
    }
}
