//! What a hang report must say.

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
