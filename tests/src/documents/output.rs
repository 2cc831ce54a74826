//! Lines of output: wrapped for a document, and without what differs from run to run.

use regex::Regex;

/// Breaks a line at spaces.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = line.to_owned();
    while rest.chars().count() > width {
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        let indent = rest.len() - rest.trim_start().len();
        let Some(space) = rest[indent..end].rfind(' ') else { break };
        let (first, second) = rest.split_at(indent + space);
        let second = format!("      {}", second.trim_start());
        wrapped.push(first.trim_end().to_owned());
        rest = second;
    }
    wrapped.push(rest);
    wrapped
}

/// Without what differs from run to run: times, process and thread ids, counts of polls and of library frames, line
/// numbers, versions of dependencies, and all that follows from them (the widths of columns, where lines are wrapped).
pub(super) fn normalise(lines: &[String]) -> String {
    let mut text =
        lines.iter().filter(|line| *line != "…").fold(String::new(), |text, line| text + line + " ");
    for (pattern, instead) in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\b\d+(\.\d+)?(ns|µs|ms)\b", "MEASURED"),
        (r"\b(\w+_ms)=\d+\b", "$1=MEASURED"),
        (r"\b\d+\.\d+ ?m?s\b", "MEASURED"),
        (r"\b(after|took|up|age|killed) \d+s\b", "$1 MEASURED"),
        (r"\bmemory \d+( of \d+)? MiB( and rising)?", "memory MEASURED"),
        (r"\b(pid|process|thread|threads|and) \d+\b", "$1 ID"),
        (r"\b(MEASURED|TIME) +\d{2,7}\b", "$1 ID"),
        (r"\b\d+ % CPU\b", "N % CPU"),
        (r"\bbuild id [0-9a-f]+", "build id ID"),
        (r"\bpolls so far: \d+", "polls so far: N"),
        (r"\b\d+ beats before", "N beats before"),
        (r"… \d+ (library|runtime) frames?", "… N $1 frames"),
        (r"\.rs:\d+", ".rs:LINE"),
        (r"-\d+\.\d+\.\d+/src", "-VERSION/src"),
        (r"\d+ without a frame of yours: .*? end of", "N without a frame of yours: … end of"),
    ] {
        text = Regex::new(pattern).expect("a pattern").replace_all(&text, instead).into_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_at_spaces_and_nothing_is_lost() {
        let line = format!("  {}", ["word"; 60].join(" "));
        let wrapped = wrap(&line, 80);
        assert!(wrapped.len() > 2 && wrapped.iter().all(|line| line.chars().count() <= 80), "{wrapped:#?}");
        assert_eq!(normalise(&wrapped), normalise(&[line]));
        assert_eq!(wrap(&"x".repeat(300), 80), ["x".repeat(300)]);
    }

    #[test]
    fn what_differs_from_run_to_run_is_not_compared() {
        for (one, other) in [
            ("2026-11-22T21:46:02.444295Z  INFO a", "2026-11-24T01:00:00Z INFO a"),
            ("done  2.1ms  a.rs:66", "done  500.2µs  a.rs:7"),
            (
                "hang report of process 1881 at 2026-11-22T21:46:02Z:",
                "hang report of process 7 at 2026-11-24T01:00:00Z:",
            ),
            ("build id 0aff", "build id 1234"),
            ("last polled 4.4 s ago", "last polled 12.0 s ago"),
            ("at tokio-1.54.1/src/x.rs:4", "at tokio-1.55.0/src/x.rs:5"),
        ] {
            assert_eq!(normalise(&[one.to_owned()]), normalise(&[other.to_owned()]));
        }
        assert_ne!(normalise(&["waiting 60s".to_owned()]), normalise(&["waiting 30s".to_owned()]));
    }
}
