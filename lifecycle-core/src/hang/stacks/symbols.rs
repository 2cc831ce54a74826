//! Where names come from: the part of the renderer that differs between the helper and the dying process itself.

use super::classify::Frame;
use super::dump::{LEAF_FRAMES, LEAVES, Walks};
use super::name::Name;
use super::source::{self, Author};
use crate::os::text::Text;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// A function at an address, as its symbols have it.
pub(super) struct Symbol<'a> {
    pub(super) name: Name,
    /// In full; `None` without line tables.
    pub(super) file: Option<&'a str>,
    pub(super) line: u32,
    /// False for an address without a name.
    pub(super) is_known: bool,
}

/// Looks up what a report shows by number otherwise.
pub(super) trait Symbols {
    /// Most of the addresses that will be asked for, sorted: some find many at once faster than one by one.
    fn expect(&mut self, addresses: &[u64]);

    /// Calls `f` with each function at the address, inlined ones first; never without a call.
    fn at(&mut self, address: u64, f: &mut dyn FnMut(Symbol<'_>));

    /// Says how to find the names that are missing, if any are.
    fn hint(&mut self, out: &mut dyn Write);

    /// What a file descriptor of the process leads to.
    fn descriptor(&mut self, descriptor: i32, object: &mut Text<160>);
}

/// Of one thread or chain at a time.
pub(super) struct Frames {
    frames: [Frame; Frames::MOST],
    len: usize,
    /// Where the workspace lies, once a frame has told it.
    root: Text<160>,
}

const EMPTY: Frame =
    Frame { name: Name::new(), full: Text::new(), file: Text::new(), line: 0, author: Author::Library };

impl Frames {
    const MOST: usize = 240;

    pub(super) fn new() -> Frames {
        Frames { frames: [EMPTY; Frames::MOST], len: 0, root: Text::new() }
    }

    pub(super) fn as_slice(&self) -> &[Frame] {
        &self.frames[..self.len]
    }

    /// The stack of a thread.
    pub(super) fn of_thread(&mut self, walks: &Walks, index: usize, symbols: &mut dyn Symbols) {
        let walk = &walks.threads[index];
        let len = (walk.len.load(Relaxed) as usize).min(walk.frames.len());
        self.fill(walk.frames[..len].iter().map(|frame| frame.load(Relaxed)), symbols);
    }

    /// What one of a task's leaves stands on; false if it has no such leaf.
    pub(super) fn of_leaf(
        &mut self,
        walks: &Walks,
        task: usize,
        leaf: usize,
        symbols: &mut dyn Symbols,
    ) -> bool {
        let chains = &walks.tasks[task];
        if leaf >= (chains.leaves.load(Relaxed) as usize).min(LEAVES) {
            return false;
        }
        let len = (chains.lens[leaf].load(Relaxed) as usize).min(LEAF_FRAMES);
        self.fill(chains.frames[leaf][..len].iter().map(|frame| frame.load(Relaxed)), symbols);
        true
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
        frame.author =
            if symbol.is_known { source::author(symbol.name.as_str(), symbol.file) } else { Author::Unknown };
        frame.full = Text::of(file);
        frame.file = Text::of(source::relative(file, self.root.as_str()));
        frame.line = symbol.line;
        self.len += 1;
    }

    /// Learns where the workspace lies, from the frames at hand and a file of the program's own.
    pub(super) fn learn_root(&mut self, files: &[Text<160>]) {
        if !self.root.is_empty() {
            return;
        }
        let users = self.frames[..self.len].iter().filter(|frame| frame.author == Author::User);
        let known = files.iter().filter(|file| !file.is_empty());
        let root = known.clone().find_map(|known| {
            users.clone().find_map(|frame| source::root(frame.full.as_str(), known.as_str()))
        });
        self.root = root.map_or(Text::new(), Text::of);
    }
}
