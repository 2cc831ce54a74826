//! The report's text, from what was collected. Pure but for looking up names, and without allocation of its own.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;

use super::cause::Cause;
use super::classify::{self, Finding};
use super::dump::{Facts, LEAF_FRAMES, LEAVES, Thread, Walks};
use super::source::Author;
use super::stack;
use super::suspects;
use super::symbols::{Frames, Symbols};

/// Of a task in `Chains::polled`.
pub(super) const POLLED: u32 = 2;

/// Writes it: suspects, heartbeats, tasks, threads.
pub(super) fn render(walks: &Walks, facts: &mut Facts, symbols: &mut dyn Symbols, out: &mut dyn Write) {
    let mut addresses = [0; ADDRESSES];
    symbols.expect(gather(walks, facts, &mut addresses));
    let mut frames = Frames::new();
    learn(walks, facts, symbols, &mut frames);
    diagnose(walks, facts, symbols, &mut frames);
    // Writing into a text never fails: it cuts.
    let _ = writeln!(out, "{}", facts.title.as_str());
    suspects::write(facts, out);
    if !facts.heartbeats.is_empty() {
        let _ = write!(out, "heartbeats:\n{}", facts.heartbeats.as_str());
    }
    tasks(walks, facts, symbols, &mut frames, out);
    threads(walks, facts, symbols, &mut frames, out);
    symbols.hint(out);
    let _ = writeln!(out, "end of the hang report");
}

/// As many as most reports have.
const ADDRESSES: usize = 4096;

/// The addresses of all frames, sorted, each once; of very many the first.
fn gather<'a>(walks: &Walks, facts: &Facts, addresses: &'a mut [u64; ADDRESSES]) -> &'a [u64] {
    let threads = walks.threads[..facts.threads as usize].iter().flat_map(|walk| {
        let len = (walk.len.load(Relaxed) as usize).min(walk.frames.len());
        walk.frames[..len].iter()
    });
    let tasks = walks.tasks[..facts.tasks as usize].iter().flat_map(|chains| {
        let leaves = (chains.leaves.load(Relaxed) as usize).min(LEAVES);
        let lens = chains.lens[..leaves].iter().map(|len| (len.load(Relaxed) as usize).min(LEAF_FRAMES));
        chains.frames.iter().zip(lens).flat_map(|(frames, len)| frames[..len].iter())
    });
    let mut count = 0;
    for address in threads.chain(tasks) {
        if count == ADDRESSES {
            count = unique(addresses);
        }
        if let Some(slot) = addresses.get_mut(count) {
            *slot = address.load(Relaxed);
            count += 1;
        }
    }
    let count = unique(&mut addresses[..count]);
    &addresses[..count]
}

/// Sorts, and moves each address to the front once; returns how many there are.
fn unique(addresses: &mut [u64]) -> usize {
    addresses.sort_unstable();
    let mut count = 0;
    for index in 0..addresses.len() {
        if count == 0 || addresses[index] != addresses[count - 1] {
            addresses[count] = addresses[index];
            count += 1;
        }
    }
    count
}

/// Learns where the workspace lies before anything is said about places.
fn learn(walks: &Walks, facts: &Facts, symbols: &mut dyn Symbols, frames: &mut Frames) {
    for index in 0..facts.threads as usize {
        frames.of_thread(walks, index, symbols);
        frames.learn_root(&facts.files);
    }
    for task in 0..facts.tasks as usize {
        for leaf in 0..LEAVES {
            if frames.of_leaf(walks, task, leaf, symbols) {
                frames.learn_root(&facts.files);
            }
        }
    }
}

fn diagnose(walks: &Walks, facts: &mut Facts, symbols: &mut dyn Symbols, frames: &mut Frames) {
    let sampled = facts.sampled;
    for (index, thread) in facts.thread[..facts.threads as usize].iter_mut().enumerate() {
        frames.of_thread(walks, index, symbols);
        let mut finding = classify::thread(frames.as_slice(), thread, sampled, is_guessed(walks, index));
        if finding.descriptor >= 0 {
            symbols.descriptor(finding.descriptor, &mut finding.object);
        }
        finding.stack = alike(walks, index, &finding);
        thread.finding = finding;
    }
    for (index, task) in facts.task[..facts.tasks as usize].iter_mut().enumerate() {
        task.finding = Finding::NONE;
        for leaf in 0..LEAVES {
            if !frames.of_leaf(walks, index, leaf, symbols) {
                break;
            }
            let (mut finding, chain) = classify::awaiting(frames.as_slice());
            let crumb = facts.crumb.as_str();
            finding.is_at_crumb =
                !crumb.is_empty() && chain.iter().any(|frame| frame.place().as_str() == crumb);
            // Of several branches the one that waits for a lock says most.
            if leaf == 0 || (finding.cause.is_lock() && !task.finding.cause.is_lock()) {
                task.finding = finding;
            }
        }
    }
}

fn is_guessed(walks: &Walks, index: usize) -> bool {
    walks.threads[index].guessed.load(Relaxed) == 1
}

/// What two threads have in common that are shown once.
fn alike(walks: &Walks, index: usize, finding: &Finding) -> u64 {
    let walk = &walks.threads[index];
    let mut hasher = DefaultHasher::new();
    (finding.cause as u8, finding.descriptor, finding.lock).hash(&mut hasher);
    // The innermost frame of one that runs is another in each of them.
    if finding.cause == Cause::Spin {
        finding.user.hash(&mut hasher);
    } else {
        walk.hash().hash(&mut hasher);
    }
    hasher.finish()
}

fn tasks(walks: &Walks, facts: &Facts, symbols: &mut dyn Symbols, frames: &mut Frames, out: &mut dyn Write) {
    if facts.brief == 1 {
        return;
    }
    if facts.tasks > 0 {
        let _ = writeln!(out, "tasks:");
    }
    for (index, task) in facts.task[..facts.tasks as usize].iter().enumerate() {
        let _ = write!(out, "  `{}`", task.name.as_str());
        if !task.place.is_empty() {
            let _ = write!(out, " ({})", task.place.as_str());
        }
        let (age, polls) = (task.age, task.polls);
        if task.thread != 0 {
            let _ = writeln!(out, ": in poll {polls} on thread {} for {age}", task.thread);
            continue;
        }
        let _ = write!(out, ": ");
        if walks.tasks[index].polled.load(Relaxed) != POLLED {
            let _ = write!(out, "not polled although it was woken: no worker is free; ");
        } else if walks.tasks[index].leaves.load(Relaxed) == 0 {
            let _ = write!(out, "awaiting what asks nobody to wake it; ");
        } else if task.finding.function.is_empty() {
            let _ = write!(out, "idle; ");
        } else {
            let _ = write!(out, "{}; ", suspects::At(&task.finding));
        }
        let _ = writeln!(out, "last polled {age} ago, polls so far: {polls}");
        for leaf in 0..LEAVES {
            if frames.of_leaf(walks, index, leaf, symbols) {
                if leaf > 0 {
                    let _ = writeln!(out, "    and:");
                }
                let (_, chain) = classify::awaiting(frames.as_slice());
                stack::write(chain, facts.full == 1, out);
            }
        }
    }
}

fn threads(
    walks: &Walks,
    facts: &Facts,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
    out: &mut dyn Write,
) {
    let all = &facts.thread[..facts.threads as usize];
    if facts.brief == 0 || all.iter().any(|thread| thread.finding.cause != Cause::Idle) {
        let _ = writeln!(out, "threads:");
    }
    let mut folded = 0;
    for (index, thread) in all.iter().enumerate() {
        frames.of_thread(walks, index, symbols);
        let has_names = frames.as_slice().iter().all(|frame| frame.author != Author::Unknown);
        let is_guessed = is_guessed(walks, index);
        // A scan that reaches the end of the stack ends in a fault, too.
        let is_broken = walks.threads[index].fault.load(Relaxed) == 1 && !is_guessed;
        if thread.finding.cause == Cause::Idle && has_names && !is_broken && facts.full == 0 {
            folded += 1;
            continue;
        }
        let alike = |other: &&Thread| other.finding.stack == thread.finding.stack;
        if all[..index].iter().any(|other| alike(&other)) {
            continue;
        }
        heading(all.iter().filter(alike), thread, facts, out);
        if is_broken {
            let _ = writeln!(out, "      its stack is broken, and could be read only so far:");
        }
        if is_guessed {
            let _ = writeln!(out, "      guessed from what lies on its stack; some calls may have returned:");
        }
        stack::write(frames.as_slice(), facts.full == 1, out);
    }
    if folded > 0 && facts.brief == 0 {
        let _ = write!(out, "  {folded} without a frame of yours:");
        suspects::names(&all.iter().filter(|thread| thread.finding.cause == Cause::Idle), out);
        let _ = writeln!(out);
    }
}

fn heading<'a>(alike: impl Iterator<Item = &'a Thread>, thread: &Thread, facts: &Facts, out: &mut dyn Write) {
    let _ = write!(out, "  thread");
    for (count, other) in alike.enumerate() {
        match count {
            0..8 => drop(write!(out, "{}{}", if count > 0 { ", " } else { " " }, other.id)),
            8 => drop(write!(out, ", …")),
            _ => {}
        }
    }
    let ran = thread.ran[1].saturating_sub(thread.ran[0]) as f64 / facts.sampled.max(1) as f64 * 100.0;
    let _ = write!(
        out,
        " `{}`: {}, state {}, {ran:.0} % CPU",
        thread.name.as_str(),
        thread.finding.cause,
        thread.state as char
    );
    let wait = thread.wait.as_str();
    if !wait.is_empty() && wait != "0" {
        let _ = write!(out, ", in {wait}");
    }
    let _ = writeln!(out);
}
