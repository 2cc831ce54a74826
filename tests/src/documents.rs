//! The documents of the repository: their fenced blocks, and the comparison of shown output with real output.
//!
//! Above each block of output stands the run that it shows, and which of its lines are kept, where not all are:
//! `<!-- run: hang | keep: CRITICAL | keep: SUSPECT -->`.

mod output;

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::output::{normalise, wrap};

/// Longer lines of output are wrapped, so that a reader need not scroll: in the README, which is for the first look,
/// and in the other documents.
const WIDTHS: (usize, usize) = (100, 130);

/// The root of the repository.
///
/// # Panics
/// Never: this package is a folder of it.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the repository").to_owned()
}

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The document, relative to the root.
    pub file: PathBuf,
    /// What stands behind the opening fence: `rust,no_run`, `text`.
    pub language: String,
    /// The run that it shows.
    pub run: Option<String>,
    keep: Vec<String>,
    text: Vec<String>,
    /// The lines between the fences, from 0.
    lines: Range<usize>,
}

/// README.md, CONTRIBUTING.md and everything in `docs/`, relative to the root.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn documents() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("the folder");
    let names = docs.map(|entry| Path::new("docs").join(entry.expect("an entry").file_name()));
    let mut names: Vec<PathBuf> =
        names.filter(|name| name.extension().is_some_and(|end| end == "md")).collect();
    names.extend(["README.md", "CONTRIBUTING.md"].map(PathBuf::from));
    names.sort();
    names
}

/// Every fenced block of a document.
///
/// # Panics
/// If the document cannot be read, or a fence is not closed.
#[must_use]
pub fn blocks(file: &Path) -> Vec<Block> {
    let document = fs::read_to_string(root().join(file)).expect("a document");
    let lines: Vec<&str> = document.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some(language) = lines[at].strip_prefix("```") {
            let first = at + 1;
            let last = lines[first..].iter().position(|line| line.trim_end() == "```");
            let last = first + last.unwrap_or_else(|| panic!("{}:{first}: never closed", file.display()));
            let (run, keep) = marker(at.checked_sub(1).map_or("", |above| lines[above]));
            blocks.push(Block {
                file: file.to_owned(),
                language: language.trim().to_owned(),
                run,
                keep,
                text: lines[first..last].iter().map(|line| (*line).to_owned()).collect(),
                lines: first..last,
            });
            at = last;
        }
        at += 1;
    }
    blocks
}

fn marker(line: &str) -> (Option<String>, Vec<String>) {
    let inside = line.strip_prefix("<!-- run:").and_then(|rest| rest.strip_suffix("-->"));
    let Some(inside) = inside else { return (None, Vec::new()) };
    let mut parts = inside.split('|').map(str::trim);
    let run = parts.next().map(str::to_owned);
    (run, parts.map(|part| part.strip_prefix("keep: ").expect("`keep: words`").to_owned()).collect())
}

/// Asserts that each block shows what its run says: `outputs` runs the service, and returns the names of the runs that
/// documents may show with the output of each. With `UPDATE_DOCS=1` blocks that differ are written anew.
///
/// A report says what the threads of a service do at that moment, and now and then one of them does something else than
/// in the run that is shown. So a service gets three tries.
///
/// # Panics
/// If a block differs, keeps what the output does not have, or no document shows a run.
pub fn check(outputs: impl Fn() -> Vec<(&'static str, String)>) {
    // Runs are checked in parallel, and two of them may be in one document.
    static DOCUMENTS: Mutex<()> = Mutex::new(());
    for last in [false, false, true] {
        let outputs = outputs();
        let _one_at_a_time = DOCUMENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stale: Vec<Stale> = outputs.iter().flat_map(|(run, output)| stale(run, output)).collect();
        stale.sort_by_key(|stale| (stale.block.file.clone(), stale.block.lines.start));
        if stale.is_empty() {
            return;
        }
        if last && std::env::var_os("UPDATE_DOCS").is_some() {
            // Blocks of one document from its end, so that the places of the earlier ones stay right.
            stale.iter().rev().for_each(Stale::write);
        } else if last {
            let stale: Vec<String> = stale.iter().map(Stale::to_string).collect();
            let update = "UPDATE_DOCS=1 cargo test -p lifecycle-tests --test docs writes these anew";
            panic!("{}\n{update}", stale.join("\n"));
        }
    }
}

fn stale(run: &str, output: &str) -> Vec<Stale> {
    let blocks: Vec<Block> = documents().iter().flat_map(|file| blocks(file)).collect();
    let shown: Vec<Block> = blocks.into_iter().filter(|block| block.run.as_deref() == Some(run)).collect();
    assert!(!shown.is_empty(), "no document shows the run `{run}`");
    let compared = shown.into_iter().map(|block| {
        let real = block.select(output);
        let missing = block.keep.iter().filter(|words| !output.contains(*words)).cloned().collect();
        Stale { block, real, missing }
    });
    compared.filter(Stale::is_stale).collect()
}

/// A block, and what it should show.
struct Stale {
    block: Block,
    real: Vec<String>,
    /// What the block keeps, and the output does not have.
    missing: Vec<String>,
}

impl Stale {
    fn is_stale(&self) -> bool {
        !self.missing.is_empty() || normalise(&self.block.text) != normalise(&self.real)
    }

    fn write(&self) {
        assert!(self.missing.is_empty(), "{self}\nThe comment above the block is to be changed by hand");
        let path = root().join(&self.block.file);
        let document = fs::read_to_string(&path).expect("a document");
        let mut lines: Vec<&str> = document.lines().collect();
        lines.splice(self.block.lines.clone(), self.real.iter().map(String::as_str));
        fs::write(path, lines.join("\n") + "\n").expect("a document");
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Block { file, lines, text, .. } = &self.block;
        writeln!(f, "{}:{} shows\n{}", file.display(), lines.start, normalise(text))?;
        writeln!(f, "but the run says\n{}", normalise(&self.real))?;
        self.missing.iter().try_for_each(|words| writeln!(f, "and has no line with {words:?}"))
    }
}

impl Block {
    /// The lines of `output` that are to be shown, wrapped; `…` stands for those that are not.
    fn select(&self, output: &str) -> Vec<String> {
        let width = if self.file == Path::new("README.md") { WIDTHS.0 } else { WIDTHS.1 };
        let mut shown: Vec<String> = Vec::new();
        for line in output.lines() {
            if self.keep.is_empty() || self.keep.iter().any(|words| line.contains(words)) {
                shown.extend(wrap(line.trim_end(), width));
            } else if shown.last().is_none_or(|last| last != "…") {
                shown.push("…".to_owned());
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_names_its_run_and_what_is_kept() {
        assert_eq!(marker("<!-- run: stop -->"), (Some("stop".to_owned()), vec![]));
        let (run, keep) = marker("<!-- run: hang | keep: CRITICAL | keep: > t -->");
        assert_eq!(
            (run.as_deref(), &keep[..]),
            (Some("hang"), &["CRITICAL".to_owned(), "> t".to_owned()][..])
        );
        assert_eq!(marker("<!-- a word -->").0, None);
    }
}
