//! A function that was called, and those of one stack.

use std::fmt::Write;

use lifecycle_os::text::Text;

use super::name::Name;
use super::source::{self, Author, Crates};
use super::{Symbol, Symbols};
use crate::dump::{FILES, Facts, Walks};

/// A function that was called, inlined ones too.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Frame {
    pub(crate) name: Name,
    /// In full, and as it is shown; empty without line tables.
    pub(crate) full: Text<256>,
    pub(crate) file: Text<160>,
    pub(crate) line: u32,
    pub(crate) author: Author,
}

impl Frame {
    pub(crate) fn place(&self) -> Text<200> {
        let mut place = Text::new();
        // What the compiler added has no line, and the file is anybody's.
        if !self.file.is_empty() && self.line > 0 {
            let _ = write!(place, "{}:{}", self.file.as_str(), self.line);
        }
        place
    }

    /// Whether a user's function has a line of a library's here: that of a macro which made it.
    pub(crate) fn is_of_macro(&self) -> bool {
        let folders = ["/registry/src/", "/git/checkouts/", "/rustc/", "/rustlib/"];
        self.author == Author::User && folders.iter().any(|folder| self.full.as_str().contains(folder))
    }

    /// Whether its name or its file holds the word.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.name.as_str().contains(word) || self.file.as_str().contains(word)
    }
}

/// Of one thread or chain at a time.
pub(crate) struct Frames {
    frames: [Frame; Frames::MOST],
    len: usize,
    /// Where the workspace lies, once a frame has told it.
    root: Text<160>,
    files: [Text<160>; FILES],
    crates: Crates,
}

const EMPTY: Frame =
    Frame { name: Name::new(), full: Text::new(), file: Text::new(), line: 0, author: Author::Library };

impl Frames {
    const MOST: usize = 240;

    pub(crate) fn new(facts: &Facts) -> Frames {
        let frames = [EMPTY; Frames::MOST];
        Frames { frames, len: 0, root: Text::new(), files: facts.files, crates: Crates::of(facts) }
    }

    pub(crate) fn as_slice(&self) -> &[Frame] {
        &self.frames[..self.len]
    }

    /// The stack of a thread.
    pub(crate) fn of_thread(&mut self, walks: &Walks, index: usize, symbols: &mut dyn Symbols) {
        self.fill(walks.threads[index].addresses(), symbols);
    }

    /// What one of a task's leaves stands on; false if it has no such leaf.
    pub(crate) fn of_leaf(
        &mut self,
        walks: &Walks,
        task: usize,
        leaf: usize,
        symbols: &mut dyn Symbols,
    ) -> bool {
        let chains = &walks.tasks[task];
        let exists = leaf < chains.leaves();
        if exists {
            self.fill(chains.addresses(leaf), symbols);
        }
        exists
    }

    fn fill(&mut self, addresses: impl Iterator<Item = u64>, symbols: &mut dyn Symbols) {
        self.len = 0;
        for address in addresses {
            symbols.at(address, &mut |symbol| self.push(&symbol));
        }
    }

    fn push(&mut self, symbol: &Symbol<'_>) {
        let Some(frame) = self.frames.get_mut(self.len) else { return };
        let file = symbol.file.unwrap_or_default();
        frame.name = symbol.name;
        frame.author = if symbol.is_known {
            self.crates.author(symbol.name.as_str(), symbol.file, self.root.as_str())
        } else {
            Author::Unknown
        };
        frame.full = Text::of(file);
        frame.file = Text::of(source::relative(file, self.root.as_str()));
        frame.line = symbol.line;
        self.len += 1;
    }

    /// Learns where the workspace lies, from the frames at hand and the files of the program's own.
    pub(crate) fn learn_root(&mut self) {
        if !self.root.is_empty() {
            return;
        }
        let users = self.frames[..self.len].iter().filter(|frame| frame.author == Author::User);
        let known = self.files.iter().map(Text::as_str).filter(|file| !file.is_empty());
        let of = |root: fn(&str, &str) -> Option<usize>| {
            known.clone().find_map(|known| {
                users.clone().find_map(|frame| {
                    let full = frame.full.as_str();
                    root(full, known).map(|end| &full[..end])
                })
            })
        };
        let root = of(source::root_of_file).or_else(|| of(source::root_of_folder));
        self.root = root.map_or(Text::new(), Text::of);
    }
}
