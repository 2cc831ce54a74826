//! From a request to the text, read from top to bottom in [`write()`].

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use lifecycle_os::clock::millis;
use lifecycle_os::sigaction::without_file_size_signal;
use lifecycle_os::text::Text;

use crate::capture::permit::{FATAL, OTHER, PERMITS};
use crate::capture::{awaits, half_time, threads};
use crate::dump::{Data, Facts, Mapping, Walks};
use crate::request::{ReportKind, Request};
use crate::{capture, helper};

/// What a report takes at most: stopping the threads, asking the tasks, finding names. What `out` takes comes on top.
pub const LONGEST: Duration = Duration::from_millis(3900);

/// Long enough to tell a thread that runs from one that ran a moment ago, in its signal handler.
const SAMPLE: Duration = Duration::from_millis(20);

/// The system has no memory for a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    _private: (),
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no hang report: the system has no memory for it; raise its limit (RLIMIT_AS)")
    }
}

impl std::error::Error for OutOfMemory {}

/// Does once what a report should not do first in a process that hangs: to be called at the start.
///
/// ```
/// lifecycle_hang::prepare();
/// ```
pub fn prepare() {
    capture::prepare();
}

/// Makes a report and hands it to `out`; nothing, if it is outdated. Allocates nothing, and waits for nobody without an end. Two
/// may be made at a time, of which one is fatal.
///
/// # Errors
/// If the system has no memory for it.
///
/// ```
/// use lifecycle_hang::{ReportKind, Request};
///
/// let mut text = String::new();
/// lifecycle_hang::write(&Request::new(ReportKind::Asked, &"what goes on:"), &mut text)?;
/// assert!(text.ends_with("end of the hang report\n"));
/// # Ok::<(), lifecycle_hang::OutOfMemory>(())
/// ```
pub fn write(request: &Request<'_>, out: &mut dyn Write) -> Result<(), OutOfMemory> {
    // Its memory is a file, and as long as one.
    let mapping = without_file_size_signal(Mapping::new);
    let mut mapping = mapping.ok_or(OutOfMemory { _private: () })?;
    let walks = mapping.walks();
    let all_closed = collect(request, &mut mapping.data().facts, walks);
    if !(request.is_outdated)() {
        print(request, &mut mapping, walks, out);
    }
    give_back(mapping, all_closed);
    Ok(())
}

/// Keeps what the threads do now, to be compared with the next fatal report, as a report of
/// [`HalfTime`](ReportKind::HalfTime) does; prints nothing and costs a fraction of it.
///
/// ```
/// lifecycle_hang::sample();
/// ```
pub fn sample() {
    let Some(mut mapping) = without_file_size_signal(Mapping::new) else { return };
    let walks = mapping.walks();
    let facts = &mut mapping.data().facts;
    threads::executable_mappings(&mut facts.maps);
    threads::describe_all(facts);
    let generation = PERMITS[OTHER].begin(walks);
    let all_closed = capture::capture(facts, walks, OTHER, generation);
    threads::sample(facts, 1);
    half_time::keep(facts, walks);
    give_back(mapping, all_closed);
}

fn give_back(mapping: Mapping, all_closed: bool) {
    if all_closed {
        // SAFETY: every permit was taken back, so nobody writes to it any more, and the caller has done with it.
        unsafe { mapping.unmap() };
    } else {
        mapping.close();
    }
}

/// Returns whether nobody writes into `walks` any more.
fn collect(request: &Request<'_>, facts: &mut Facts, walks: &'static Walks) -> bool {
    let table = if request.kind == ReportKind::Fatal { FATAL } else { OTHER };
    let generation = PERMITS[table].begin(walks);
    describe(request, facts);
    let threads_closed = capture::capture(facts, walks, table, generation);
    let sampled = Instant::now();
    threads::sample(facts, 0);
    let asked = awaits::ask(request.tasks, facts, table, generation);
    request.tasks.wake();
    let tasks_closed = asked.wait(walks);
    std::thread::sleep(SAMPLE.saturating_sub(sampled.elapsed()));
    threads::sample(facts, 1);
    facts.sampled = u64::try_from(sampled.elapsed().as_nanos()).unwrap_or(u64::MAX);
    half_time::recall(facts, walks);
    threads_closed && tasks_closed
}

/// What can be told without stopping anybody.
fn describe(request: &Request<'_>, facts: &mut Facts) {
    facts.pid = std::process::id();
    facts.full = u32::from(request.is_full);
    facts.brief = u32::from(matches!(request.kind, ReportKind::HalfTime | ReportKind::Suspects));
    facts.goes_on = u32::from(request.kind == ReportKind::Asked);
    facts.about = request.thread;
    facts.longest_poll = request.longest_poll.map_or(0, millis);
    // Writing into a text never fails: it cuts.
    let _ = write!(facts.title, "{}", request.title);
    let _ = write!(facts.notes, "{}", request.notes);
    if let Some(json) = request.json {
        facts.json.is_wanted = true;
        facts.json.kind = Text::of(json.kind);
        facts.json.heartbeat = json.heartbeat.map_or(Text::new(), Text::of);
        facts.json.age = millis(json.age);
        let _ = write!(facts.json.date, "{}", json.date);
        let _ = write!(facts.json.message, "{}", json.message);
    }
    if let Some(crumb) = request.breadcrumb {
        let _ = write!(facts.crumb_of, "{}", crumb.of);
        let _ = write!(facts.crumb, "{}", crumb.place);
    }
    for (text, file) in facts.files.iter_mut().zip(request.files) {
        let _ = text.write_str(file);
    }
    let _ = write!(facts.crates, "{}", request.crates);
    for (text, krate) in facts.own.iter_mut().zip(request.own_crates) {
        let _ = text.write_str(krate);
    }
    threads::executable_mappings(&mut facts.maps);
    threads::describe_all(facts);
}

fn print(request: &Request<'_>, mapping: &mut Mapping, walks: &Walks, out: &mut dyn Write) {
    let is_outdated = request.is_outdated;
    if let Err(why) = helper::run(mapping, is_outdated)
        && !is_outdated()
    {
        helper::write_without_help(mapping, why);
    }
    let Data { facts, text, .. } = mapping.data();
    let _ = out.write_str(text.as_str());
    if request.kind == ReportKind::HalfTime {
        half_time::keep(facts, walks);
    }
}
