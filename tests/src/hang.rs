//! What a hang report must say, and what must not be one.

use std::time::{Duration, Instant};

use crate::{Output, Running};

/// The line with the verdict, of which there is one.
///
/// # Panics
/// If there is none, or there are several.
#[must_use]
pub fn verdict(output: &Output) -> &str {
    assert_eq!(output.stderr.matches("CRITICAL 🚨 System Hang Detected").count(), 1, "{}", output.stderr);
    output.stderr.lines().find(|line| line.contains("CRITICAL")).expect("counted above")
}

/// Asserts that the service lives for so long, and then stops without a verdict.
///
/// # Panics
/// If it does not.
#[track_caller]
#[must_use]
pub fn lives(mut service: Running, time: Duration) -> Output {
    let until = Instant::now() + time;
    while Instant::now() < until {
        assert!(service.is_alive(), "killed: {}", service.wait().stderr);
        std::thread::sleep(Duration::from_millis(50));
    }
    service.signal(libc::SIGTERM);
    let output = service.wait();
    assert!(!output.stderr.contains("CRITICAL"), "{}", output.stderr);
    output
}

/// Where the line of `source` stands that ends with `// <mark>`, as a report shows it.
///
/// # Panics
/// If there is no such line.
#[must_use]
pub fn place(file: &str, source: &str, mark: &str) -> String {
    let end = format!("// {mark}");
    let line = source.lines().position(|line| line.ends_with(&end));
    format!("{file}:{}", line.unwrap_or_else(|| panic!("no line ends with {end}")) + 1)
}

/// Asserts that one SUSPECT line of `report` holds all the words.
///
/// # Panics
/// If there is none.
#[track_caller]
pub fn suspect(report: &str, words: &[&str]) {
    let fits = |line: &str| line.starts_with("SUSPECT") && words.iter().all(|word| line.contains(word));
    assert!(report.lines().any(fits), "no SUSPECT with {words:?} in\n{report}");
}
