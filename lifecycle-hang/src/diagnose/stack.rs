//! The lines of one stack: the user's frames marked, the others folded. Pure.

use std::fmt::Write;

use crate::symbolize::{Author, Frame};

/// Library frames that are shown inside of the user's innermost one: what it called.
const CALLED: usize = 3;

/// Innermost first. `full` folds nothing.
pub(crate) fn write(frames: &[Frame], full: bool, out: &mut dyn Write) {
    let is_shown = |frame: &Frame| full || matches!(frame.author, Author::User | Author::Unknown);
    let mut rest = frames;
    while let Some(first) = rest.first() {
        if is_shown(first) {
            line(first, out);
            rest = &rest[1..];
            continue;
        }
        let run = rest.iter().position(is_shown).unwrap_or(rest.len());
        let is_innermost = rest.len() == frames.len();
        // A thread without a frame of the user's has nothing else to show.
        let shown = if is_innermost { run.min(CALLED) } else { 0 };
        let folded = run - shown;
        if folded > 0 {
            let whose = if is_innermost { "library" } else { "runtime" };
            let _ = writeln!(out, "      … {folded} {whose} frames");
        }
        rest[folded..run].iter().for_each(|frame| line(frame, out));
        rest = &rest[run..];
    }
}

fn line(frame: &Frame, out: &mut dyn Write) {
    let mark = if frame.author == Author::User { '>' } else { ' ' };
    let _ = write!(out, "    {mark} {}", frame.name.as_str());
    let place = frame.place();
    if !place.is_empty() {
        let _ = write!(out, " at {}", place.as_str());
    }
    let _ = writeln!(out);
}
