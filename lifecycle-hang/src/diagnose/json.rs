//! The report as one line of JSON. Nothing here allocates: the serializer writes as it goes.

use std::cell::RefCell;
use std::fmt::{Display, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

use lifecycle_os::clock::millis;
use lifecycle_os::text::{Bytes, Text};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::tasks::Waits;
use super::{classify, suspects};
use crate::dump::{Cause, Facts, Finding, Thread, Walks};
use crate::symbolize::{Author, Frame, Frames, Symbols};

/// What is looked up while it is written.
struct Names<'a> {
    symbols: &'a mut dyn Symbols,
    frames: &'a mut Frames,
}

struct Report<'a> {
    walks: &'a Walks,
    facts: &'a Facts,
    names: RefCell<Names<'a>>,
    /// Without them it is short.
    has_frames: bool,
}

/// Writes it, with the frames of threads and tasks or without.
pub(super) fn write(
    walks: &Walks,
    facts: &Facts,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
    has_frames: bool,
    out: &mut dyn Write,
) {
    let report = Report { walks, facts, names: RefCell::new(Names { symbols, frames }), has_frames };
    // Writing into a text never fails: it cuts.
    let _ = serde_json::to_writer(Bytes(&mut *out), &report);
    let _ = out.write_str("\n");
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.facts;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("date", facts.json.date.as_str())?;
        map.serialize_entry("process", &facts.pid)?;
        let mut build = Text::<128>::new();
        self.names.borrow_mut().symbols.build_id(&mut build);
        map.serialize_entry("build_id", &some(build.as_str().trim_start_matches("build id ").trim_end()))?;
        map.serialize_entry("kind", facts.json.kind.as_str())?;
        map.serialize_entry("heartbeat", &some(facts.json.heartbeat.as_str()))?;
        map.serialize_entry("age_ms", &Some(facts.json.age).filter(|_| !facts.json.heartbeat.is_empty()))?;
        map.serialize_entry("message", &some(facts.json.message.as_str()))?;
        let mut said = Text::<16384>::new();
        self.culprit(suspects::write(facts, &mut said), &mut map)?;
        map.serialize_entry("suspects", &Lines(said.as_str(), "SUSPECT "))?;
        map.serialize_entry("remarks", &Lines(said.as_str(), "  "))?;
        map.serialize_entry("heartbeats", &Lines(facts.notes.as_str(), "  "))?;
        let tasks = if facts.brief == 1 { 0 } else { facts.tasks as usize };
        map.serialize_entry("tasks", &Each(0..tasks, |index| TaskEntry(self, index)))?;
        map.serialize_entry("threads", &Each(self.threads(), |index| ThreadEntry(self, index)))?;
        map.serialize_entry("tasks_left_out", &(facts.all_tasks - facts.tasks))?;
        map.serialize_entry("threads_left_out", &(facts.all_threads.saturating_sub(facts.threads)))?;
        map.serialize_entry("names_without_lines", &some(facts.no_lines.as_str()))?;
        map.end()
    }
}

/// An empty text is none.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Those lines of a text that begin so, without that.
struct Lines<'a>(&'a str, &'a str);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.lines().filter_map(|line| line.strip_prefix(self.1)))
    }
}

/// An entry for each number.
struct Each<I, F>(I, F);

impl<I: Iterator<Item = usize> + Clone, E: Serialize, F: Fn(usize) -> E> Serialize for Each<I, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone().map(&self.1))
    }
}

/// Whom the report accuses first; by the hash reports of one cause are known, in all runs of a build.
struct Culprit<'a> {
    function: &'a str,
    place: &'a str,
    cause: Shown<&'a dyn Display>,
    hash: u64,
}

impl Serialize for Culprit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("function", &some(self.function))?;
        map.serialize_entry("place", &some(self.place))?;
        map.serialize_entry("cause", &self.cause)?;
        map.serialize_entry("hash", &Shown(format_args!("{:016x}", self.hash)))?;
        map.end()
    }
}

impl Report<'_> {
    fn culprit<S: SerializeMap>(&self, first: Option<Finding>, map: &mut S) -> Result<(), S::Error> {
        let json = &self.facts.json;
        let finding = first.unwrap_or(Finding::NONE);
        let is_known = !finding.function.is_empty();
        // Without a suspect there is the await that the heartbeat's function was last at.
        let function = if is_known { finding.function.as_str() } else { json.heartbeat.as_str() };
        let place = if is_known { finding.place.as_str() } else { self.facts.crumb.as_str() };
        if function.is_empty() {
            return map.serialize_entry("culprit", &None::<()>);
        }
        let cause: &dyn Display = if is_known { &finding.cause } else { &"awaiting" };
        let mut hasher = DefaultHasher::new();
        (function, place, json.kind.as_str()).hash(&mut hasher);
        let hash = hasher.finish();
        map.serialize_entry("culprit", &Culprit { function, place, cause: Shown(cause), hash })
    }

    /// Of those with one stack the first.
    fn threads(&self) -> impl Iterator<Item = usize> + Clone {
        let all = self.facts.threads();
        let is_shown = |index: &usize| {
            let is_alike = |other: &Thread| other.finding.stack == all[*index].finding.stack;
            let is_idle = all[*index].finding.cause == Cause::Idle;
            !(all[..*index].iter().any(is_alike) || is_idle && self.facts.brief == 1)
        };
        (0..all.len()).filter(is_shown)
    }
}

struct TaskEntry<'a, 'b>(&'a Report<'b>, usize);

impl Serialize for TaskEntry<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TaskEntry(report, index) = *self;
        let (task, chains) = (&report.facts.tasks()[index], &report.walks.tasks[index]);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", task.name.as_str())?;
        map.serialize_entry("spawned_at", &some(task.place.as_str()))?;
        map.serialize_entry("thread", &Some(task.thread).filter(|thread| *thread != 0))?;
        map.serialize_entry("polls", &task.polls)?;
        map.serialize_entry("age_ms", &task.age.0.map(millis))?;
        if task.thread == 0 {
            map.serialize_entry("waits", &Shown(Waits(task, chains)))?;
            if report.has_frames {
                let leaves = 0..chains.leaves();
                map.serialize_entry("chains", &Each(leaves, |leaf| Chain { report, task: index, leaf }))?;
            }
        }
        map.end()
    }
}

struct Chain<'a, 'b> {
    report: &'a Report<'b>,
    task: usize,
    leaf: usize,
}

impl Serialize for Chain<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = self.report.names.borrow_mut();
        let Names { symbols, frames } = &mut *names;
        frames.of_leaf(self.report.walks, self.task, self.leaf, *symbols);
        let (_, chain) = classify::awaiting(frames.as_slice());
        serializer.collect_seq(chain.iter().map(FrameEntry))
    }
}

struct ThreadEntry<'a, 'b>(&'a Report<'b>, usize);

impl Serialize for ThreadEntry<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ThreadEntry(report, index) = *self;
        let all = report.facts.threads();
        let thread = &all[index];
        let is_alike = |other: &&Thread| other.finding.stack == thread.finding.stack;
        let mut map = serializer.serialize_map(None)?;
        let ids = (0..all.len()).filter(|other| is_alike(&&all[*other]));
        map.serialize_entry("ids", &Each(ids, |other: usize| all[other].id))?;
        map.serialize_entry("name", thread.name.as_str())?;
        map.serialize_entry("cause", &Shown(thread.finding.cause))?;
        map.serialize_entry("state", &(thread.state as char))?;
        map.serialize_entry("cpu_percent", &(thread.cpu_share(report.facts.sampled) as u32))?;
        if report.has_frames {
            map.serialize_entry("frames", &Stack(report, index))?;
        }
        map.end()
    }
}

struct Stack<'a, 'b>(&'a Report<'b>, usize);

impl Serialize for Stack<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = self.0.names.borrow_mut();
        let Names { symbols, frames } = &mut *names;
        frames.of_thread(self.0.walks, self.1, *symbols);
        serializer.collect_seq(frames.as_slice().iter().map(FrameEntry))
    }
}

struct FrameEntry<'a>(&'a Frame);

impl Serialize for FrameEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FrameEntry(frame) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("function", frame.name.as_str())?;
        map.serialize_entry("file", &some(frame.file.as_str()))?;
        map.serialize_entry("line", &Some(frame.line).filter(|_| !frame.file.is_empty()))?;
        map.serialize_entry("yours", &(frame.author == Author::User))?;
        map.end()
    }
}
