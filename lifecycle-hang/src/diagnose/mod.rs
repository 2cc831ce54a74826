//! From what was collected to the report's text. Pure but for looking up names, and without allocation of its own.

mod addresses;
mod classify;
mod frame_patterns;
mod json;
mod stack;
mod suspects;
mod tasks;
mod threads;

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use lifecycle_os::text::Text;

use crate::dump::{Cause, Facts, Finding, LEAVES, Walks};
use crate::symbolize::{Frames, Symbols};
use addresses::{ADDRESSES, gather};

/// Writes it, as text or as one line of JSON.
pub(crate) fn render<const N: usize>(
    walks: &Walks,
    facts: &mut Facts,
    symbols: &mut dyn Symbols,
    out: &mut Text<N>,
) {
    let mut addresses = [0; ADDRESSES];
    symbols.expect(gather(walks, facts, &mut addresses));
    let mut frames = Frames::new(facts);
    learn(walks, facts, symbols, &mut frames);
    diagnose(walks, facts, symbols, &mut frames);
    if facts.json.is_wanted {
        json::write(walks, facts, symbols, &mut frames, true, out);
        // Cut off, it is no JSON.
        if !out.as_bytes().ends_with(b"}\n") {
            out.clear();
            json::write(walks, facts, symbols, &mut frames, false, out);
        }
    } else {
        text(walks, facts, symbols, &mut frames, out);
    }
}

/// Suspects, heartbeats, tasks, threads.
fn text(walks: &Walks, facts: &Facts, symbols: &mut dyn Symbols, frames: &mut Frames, out: &mut dyn Write) {
    // Writing into a text never fails: it cuts.
    let _ = writeln!(out, "{}", facts.title.as_str());
    suspects::write(facts, out);
    let _ = out.write_str(facts.notes.as_str());
    tasks::write(walks, facts, symbols, frames, out);
    threads::write(walks, facts, symbols, frames, out);
    symbols.hint(out);
    if !facts.no_lines.is_empty() {
        let _ = writeln!(out, "names without lines: {}", facts.no_lines);
    }
    symbols.build_id(out);
    let _ = writeln!(out, "end of the hang report");
}

/// Learns where the workspace lies before anything is said about places.
fn learn(walks: &Walks, facts: &Facts, symbols: &mut dyn Symbols, frames: &mut Frames) {
    for index in 0..facts.threads as usize {
        frames.of_thread(walks, index, symbols);
        frames.learn_root();
    }
    for task in 0..facts.tasks as usize {
        for leaf in 0..LEAVES {
            if frames.of_leaf(walks, task, leaf, symbols) {
                frames.learn_root();
            }
        }
    }
}

fn diagnose(walks: &Walks, facts: &mut Facts, symbols: &mut dyn Symbols, frames: &mut Frames) {
    let sampled = facts.sampled;
    for (index, thread) in facts.thread[..facts.threads as usize].iter_mut().enumerate() {
        frames.of_thread(walks, index, symbols);
        let is_guessed = walks.threads[index].is_guessed();
        let mut finding = classify::thread(frames.as_slice(), thread, sampled, is_guessed);
        if finding.descriptor >= 0 {
            symbols.descriptor(finding.descriptor, &mut finding.object);
        }
        finding.stack = alike(walks, index, &finding);
        thread.finding = finding;
    }
    for index in 0..facts.tasks as usize {
        facts.task[index].finding = awaiting(walks, index, facts.crumb.as_str(), symbols, frames);
    }
}

/// Of several branches the one that waits for a lock says most.
fn awaiting(
    walks: &Walks,
    task: usize,
    crumb: &str,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
) -> Finding {
    let mut best = Finding::NONE;
    for leaf in 0..LEAVES {
        if !frames.of_leaf(walks, task, leaf, symbols) {
            break;
        }
        let (mut finding, chain) = classify::awaiting(frames.as_slice());
        finding.is_at_crumb = !crumb.is_empty() && chain.iter().any(|frame| frame.place().as_str() == crumb);
        // What it waits for as long as it likes, beside its work, says least.
        let is_work = best.cause == Cause::Shutdown && finding.cause != Cause::Shutdown;
        if leaf == 0 || is_work || (finding.cause.is_lock() && !best.cause.is_lock()) {
            best = finding;
        }
    }
    best
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
