//! The stacks of threads: equal ones once, and those without a frame of the user's by name.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use super::{stack, suspects};
use crate::dump::{Cause, Facts, Thread, Walks};
use crate::symbolize::{Author, Frame, Frames, Symbols};

pub(super) fn write(
    walks: &Walks,
    facts: &Facts,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
    out: &mut dyn Write,
) {
    let all = facts.threads();
    if facts.brief == 0 || all.iter().any(|thread| !is_idle(thread)) {
        let _ = writeln!(out, "threads:");
    }
    let mut folded = 0;
    for (index, thread) in all.iter().enumerate() {
        frames.of_thread(walks, index, symbols);
        let note = Note::of(walks, index);
        if is_idle(thread) && has_names(frames.as_slice()) && note != Note::Broken && !facts.is_full() {
            folded += 1;
            continue;
        }
        let alike = |other: &&Thread| other.finding.stack == thread.finding.stack;
        if !all[..index].iter().any(|other| alike(&other)) {
            heading(all.iter().filter(alike), thread, facts, out);
            let _ = out.write_str(note.line());
            stack::write(frames.as_slice(), facts.is_full(), out);
        }
    }
    if facts.all_threads > facts.threads {
        let _ =
            writeln!(out, "  {} more threads, which were not looked at", facts.all_threads - facts.threads);
    }
    if folded > 0 && facts.brief == 0 {
        let _ = write!(out, "  {folded} without a frame of yours:");
        suspects::names(&all.iter().filter(|thread| is_idle(thread)), out);
        let _ = writeln!(out);
    }
}

fn is_idle(thread: &Thread) -> bool {
    thread.finding.cause == Cause::Idle
}

fn has_names(frames: &[Frame]) -> bool {
    frames.iter().all(|frame| frame.author != Author::Unknown)
}

/// How far a stack can be trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Note {
    Walked,
    Broken,
    Part,
    Guessed,
}

impl Note {
    fn of(walks: &Walks, index: usize) -> Note {
        let walk = &walks.threads[index];
        // A scan that reaches the end of the stack ends in a fault, too.
        match (walk.is_guessed(), walk.fault.load(Relaxed)) {
            (true, _) => Note::Guessed,
            (false, 1) => Note::Broken,
            (false, 2) => Note::Part,
            _ => Note::Walked,
        }
    }

    fn line(self) -> &'static str {
        match self {
            Note::Walked => "",
            Note::Part => "      it could be read only so far:\n",
            Note::Broken => "      its stack is broken, and could be read only so far:\n",
            Note::Guessed => "      guessed from what lies on its stack; some calls may have returned:\n",
        }
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
    let ran = thread.cpu_share(facts.sampled);
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
