//! The part of the report for which threads are stopped and looked into: Linux, with the feature `stacks`.

mod awaits;
mod capture;
mod cause;
mod classify;
mod dump;
mod dwarf;
mod elf;
pub(crate) mod failsafe_timer;
mod fault;
mod fd_info;
mod frame_patterns;
mod half;
mod helper;
mod modules;
mod name;
mod occasion;
mod permit;
mod procfs;
mod render;
mod scan;
mod source;
mod stack;
mod suspects;
mod symbols;
mod symtab;

use std::fmt::Write;
use std::time::{Duration, Instant};

pub(super) use awaits::trace_poll;

use super::{About, plain};
use crate::os::process::thread_id;
use crate::watchdog::heartbeat;
use dump::{Data, Facts, Mapping, THREADS};
use permit::{BANKS, FATAL, OTHER};

/// Has the unwinder do what it does at its first use before anything hangs.
pub(super) fn prepare() {
    capture::walk(|_, _| false);
}

/// Long enough to tell a thread that runs from one that ran a moment ago, in its signal handler.
const SAMPLE: Duration = Duration::from_millis(20);

/// Makes a report and hands it to `out`. Allocates nothing, and waits for nobody without an end. Two may be made at a time,
/// of which one is the fatal one.
pub(super) fn write(about: &About, out: &mut dyn Write) {
    let bank = if about.is_fatal() { FATAL } else { OTHER };
    let Some(mut mapping) = Mapping::new() else { return plain::write(about, out) };
    let walks = mapping.walks();
    let generation = BANKS[bank].begin(walks);
    let Data { facts, .. } = mapping.data();
    describe(about, facts);
    let threads_closed = capture::capture(facts, walks, bank, generation);
    let sampled = Instant::now();
    sample(facts, 0);
    let asked = awaits::ask(facts, bank, generation);
    about.wake();
    let tasks_closed = asked.wait(walks);
    std::thread::sleep(SAMPLE.saturating_sub(sampled.elapsed()));
    sample(facts, 1);
    facts.sampled = u64::try_from(sampled.elapsed().as_nanos()).unwrap_or(u64::MAX);
    half::recall(facts, walks);
    if !about.is_outdated() {
        if !helper::run(&mut mapping, || about.is_outdated()) && !about.is_outdated() {
            helper::write_without_help(&mut mapping);
        }
        let Data { facts, text, .. } = mapping.data();
        let _ = out.write_str(text.as_str());
        if about.is_half_time() {
            half::keep(facts, walks);
        }
    }
    if threads_closed && tasks_closed {
        // SAFETY: every permit was taken back, so nobody writes to it any more; `walks` is not used below.
        unsafe { mapping.unmap() };
    } else {
        mapping.close();
    }
}

/// How much of the processor each thread has had by now.
fn sample(facts: &mut Facts, which: usize) {
    for thread in &mut facts.thread[..facts.threads as usize] {
        thread.ran[which] = procfs::ran(thread.id);
    }
}

/// What can be told without stopping anybody.
fn describe(about: &About, facts: &mut Facts) {
    facts.pid = std::process::id();
    facts.full = u32::from(super::settings::is_full());
    facts.brief = u32::from(about.is_brief());
    facts.goes_on = u32::from(matches!(about, About::Asked));
    facts.about = about.thread();
    about.title(&mut facts.title);
    about.heartbeats(&mut facts.heartbeats);
    if let Some((heartbeat, place)) = about.crumb() {
        let _ = facts.heartbeat.write_str(heartbeat.name());
        let _ = write!(facts.crumb, "{place}");
    }
    for (file, heartbeat) in facts.files.iter_mut().zip(heartbeat::all().filter(|h| !h.is_probe())) {
        let _ = file.write_str(heartbeat.place().file);
    }
    for (file, task) in facts.files.iter_mut().rev().zip(crate::tasks::tracked::live_tasks()) {
        if let Some(place) = task.snapshot().place.filter(|_| file.is_empty()) {
            let _ = file.write_str(place.file);
        }
    }
    procfs::executable_mappings(&mut facts.maps);
    let own = thread_id();
    let (thread, threads) = (&mut facts.thread, &mut facts.threads);
    procfs::for_each_thread(|id| {
        let index = *threads as usize;
        if id != own && index < THREADS {
            procfs::describe(id, &mut thread[index]);
            *threads += 1;
        }
    });
}
