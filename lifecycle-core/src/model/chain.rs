//! The text of an error with its causes, each text once: many errors say their cause themselves, and are then printed with their
//! chain of causes all the same.

/// What stands between an error and its cause in `{:#}`.
const BETWEEN: &str = ": ";

/// What anyhow and eyre write above the causes in `{:?}`.
const CAUSED_BY: &str = "\n\nCaused by:\n";

/// More parts are no chain of causes, but data.
const MOST: usize = 100;

/// So is what has one of these: JSON, or the `{:?}` of a value.
const DATA: [char; 3] = ['{', '[', '"'];

/// `a: b: b` of `{:#}` as `a: b`.
pub(crate) fn once(text: String) -> String {
    let mut parts: Vec<&str> = text.split(BETWEEN).collect();
    let all = parts.len();
    if all > MOST || text.contains(DATA) {
        return text;
    }
    while let Some((at, len)) = repeated(&parts) {
        parts.drain(at..at + len);
    }
    if parts.len() == all { text } else { parts.join(BETWEEN) }
}

/// Where the first run of parts begins that stands twice in a row, and its length.
fn repeated(parts: &[&str]) -> Option<(usize, usize)> {
    (1..=parts.len() / 2).find_map(|len| {
        let is_twice = |at: &usize| parts[*at..at + len] == parts[at + len..at + 2 * len];
        (0..=parts.len() - 2 * len).find(is_twice).map(|at| (at, len))
    })
}

/// The `{:?}` of anyhow's and eyre's errors, without causes that the line above ends with. Other texts stay as they are.
pub(crate) fn debug_once(text: String) -> String {
    let Some((head, rest)) = text.split_once(CAUSED_BY) else { return without_causes(text) };
    // A backtrace may follow.
    let (listed, behind) =
        rest.split_once("\n\n").map_or((rest, None), |(listed, behind)| (listed, Some(behind)));
    let Some(causes) = causes(listed) else { return text };
    let mut short = once(head.to_owned());
    let mut said = short.as_str();
    let mut kept: Vec<&str> = Vec::new();
    for &cause in &causes {
        if said != cause && !said.ends_with(&format!("{BETWEEN}{cause}")) {
            kept.push(cause);
        }
        said = cause;
    }
    if kept.len() == causes.len() && short == head {
        return text;
    }
    if !kept.is_empty() {
        short.push_str(CAUSED_BY);
        short.push_str(&numbered(&kept));
    }
    behind.into_iter().for_each(|behind| short.extend(["\n\n", behind]));
    short
}

/// A backtrace may follow, too.
fn without_causes(text: String) -> String {
    match text.split_once("\n\n") {
        None => once(text),
        Some((head, behind)) => format!("{}\n\n{behind}", once(head.to_owned())),
    }
}

/// Of `    0: a` and `    1: b`, or a single `    a`; `None` if a cause has several lines.
fn causes(listed: &str) -> Option<Vec<&str>> {
    let lines: Vec<&str> = listed.trim_end().lines().map(str::trim_start).collect();
    match &lines[..] {
        [only] => Some(vec![only.strip_prefix("0: ").unwrap_or(only)]),
        _ => lines
            .into_iter()
            .enumerate()
            .map(|(number, line)| line.strip_prefix(&format!("{number}: ")))
            .collect(),
    }
}

fn numbered(causes: &[&str]) -> String {
    match causes {
        [only] => format!("    {only}"),
        _ => {
            let lines = causes.iter().enumerate().map(|(number, cause)| format!("{number:>5}: {cause}"));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_of_a_chain_stands_once() {
        for (text, short) in [
            ("no prices: cannot load: disk on fire: disk on fire", "no prices: cannot load: disk on fire"),
            ("a: b: c: b: c: c", "a: b: c"),
            ("load: disk: disk: os error 5", "load: disk: os error 5"),
            ("no prices: cannot load: disk on fire", "no prices: cannot load: disk on fire"),
            ("a: b: a", "a: b: a"),
            ("got {\"a\": 0}: 0}: 0}", "got {\"a\": 0}: 0}: 0}"),
            ("disk on fire", "disk on fire"),
            ("at 12:30:30 late", "at 12:30:30 late"),
            ("", ""),
        ] {
            assert_eq!(once(text.to_owned()), short);
        }
        let data = vec!["0"; 1000].join(BETWEEN);
        assert_eq!(once(data.clone()), data);
    }

    #[test]
    fn a_cause_that_the_line_above_ends_with_is_left_out() {
        for (text, short) in [
            (
                "no prices\n\nCaused by:\n    0: cannot load: disk on fire\n    1: disk on fire",
                "no prices\n\nCaused by:\n    cannot load: disk on fire",
            ),
            ("cannot load: disk\n\nCaused by:\n    disk", "cannot load: disk"),
            ("a: b: b", "a: b"),
            ("a: b: b\n\nStack backtrace:\n   0: main", "a: b\n\nStack backtrace:\n   0: main"),
            ("[P { x: 0 }, P { x: 0 }, P { x: 0 }]", "[P { x: 0 }, P { x: 0 }, P { x: 0 }]"),
            ("a: b: b\n\nCaused by:\n    c", "a: b\n\nCaused by:\n    c"),
            (
                "x\n\nCaused by:\n    0: a: b\n    1: b\n    2: c\n\nStack backtrace:\n   0: main",
                "x\n\nCaused by:\n    0: a: b\n    1: c\n\nStack backtrace:\n   0: main",
            ),
            (
                "x\n\nCaused by:\n    0: a\n       a\n    1: a",
                "x\n\nCaused by:\n    0: a\n       a\n    1: a",
            ),
            ("x\n\nCaused by:\n    a", "x\n\nCaused by:\n    a"),
            ("Io(Os { code: 2 })", "Io(Os { code: 2 })"),
        ] {
            assert_eq!(debug_once(text.to_owned()), short);
        }
    }
}
