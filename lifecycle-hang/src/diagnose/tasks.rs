//! The lines of tasks.

use std::fmt::{self, Write};

use super::{classify, stack, suspects};
use crate::dump::{Chains, Facts, LEAVES, Task, Walks};
use crate::symbolize::{Frames, Symbols};

pub(super) fn write(
    walks: &Walks,
    facts: &Facts,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
    out: &mut dyn Write,
) {
    if facts.brief == 1 {
        return;
    }
    if facts.tasks > 0 {
        let _ = writeln!(out, "tasks:");
    }
    for (index, task) in facts.tasks().iter().enumerate() {
        line(task, &walks.tasks[index], out);
        if task.thread == 0 {
            chains(walks, index, facts, symbols, frames, out);
        }
    }
    if facts.all_tasks > facts.tasks {
        let _ = writeln!(
            out,
            "  {} more tasks, in their polls or idle for a shorter time",
            facts.all_tasks - facts.tasks
        );
    }
}

fn line(task: &Task, chains: &Chains, out: &mut dyn Write) {
    let _ = write!(out, "  `{}`", task.name);
    if !task.place.is_empty() {
        let _ = write!(out, " ({})", task.place);
    }
    let (age, polls) = (task.age, task.polls);
    if task.thread != 0 && polls == 0 {
        let _ = writeln!(out, ": on thread {} of its own, for {age}", task.thread);
        return;
    }
    if task.thread != 0 {
        let _ = writeln!(out, ": in poll {polls} on thread {} for {age}", task.thread);
        return;
    }
    let waits = Waits(task, chains);
    let _ = writeln!(out, ": {waits}; last polled {age} ago, polls so far: {polls}");
}

/// What an idle task waits for.
pub(super) struct Waits<'a>(pub(super) &'a Task, pub(super) &'a Chains);

impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waits(task, chains) = self;
        if !chains.was_polled() {
            f.write_str("woken but not polled: no free worker")
        } else if chains.leaves() == 0 {
            f.write_str("awaiting what asks nobody to wake it")
        } else if task.finding.function.is_empty() {
            f.write_str("idle")
        } else {
            write!(f, "{}", suspects::At(&task.finding))
        }
    }
}

fn chains(
    walks: &Walks,
    task: usize,
    facts: &Facts,
    symbols: &mut dyn Symbols,
    frames: &mut Frames,
    out: &mut dyn Write,
) {
    for leaf in 0..LEAVES {
        if frames.of_leaf(walks, task, leaf, symbols) {
            if leaf > 0 {
                let _ = writeln!(out, "    and:");
            }
            let (_, chain) = classify::awaiting(frames.as_slice());
            stack::write(chain, facts.is_full(), out);
        }
    }
}
