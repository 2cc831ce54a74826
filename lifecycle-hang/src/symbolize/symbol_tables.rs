//! Names from the symbol tables of the mapped files, without allocation: for a process whose allocator may be stuck.

use std::cell::Cell;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::name;
use super::{Symbol, Symbols};
use crate::image::Image;
use crate::image::Images;
use crate::image::elf::{Elf, Function};
use lifecycle_os::text::Text;

/// Names are looked for no longer than this; what is left is shown by its address.
const PATIENCE: Duration = Duration::from_millis(1000);

/// Addresses that are looked up in one pass over a symbol table.
const BATCH: usize = 1024;

/// A power of two.
const REMEMBERED: usize = 2048;

/// The symbol tables of one process's modules.
pub(crate) struct SymbolTables<'a> {
    images: Images<'a>,
    /// What was looked up: most addresses come several times.
    remembered: [Cell<Option<Known<'a>>>; REMEMBERED],
    until: Instant,
    /// The first addresses without a name, as `addr2line` takes them.
    unknown: Text<8192>,
    unknown_file: Option<Image<'a>>,
}

/// An address, and its function's mangled name.
type Known<'a> = (u64, Option<&'a str>);

impl<'a> SymbolTables<'a> {
    pub(crate) fn new(maps: &'a str) -> SymbolTables<'a> {
        SymbolTables {
            images: Images::new(maps),
            remembered: [const { Cell::new(None) }; REMEMBERED],
            until: Instant::now() + PATIENCE,
            unknown: Text::new(),
            unknown_file: None,
        }
    }

    fn function(&mut self, address: u64) -> Option<&'a str> {
        if let Some((_, name)) = self.remembered[slot(address)].get().filter(|(known, _)| *known == address) {
            return name;
        }
        let file = self.images.at(address).filter(|_| Instant::now() < self.until)?;
        self.look_up(file, &[address]);
        self.remembered[slot(address)].get()?.1
    }

    /// Remembers the names of the addresses, which are sorted and lie in the file.
    fn look_up(&self, file: Image<'a>, addresses: &[u64]) {
        let Some(elf) = file.elf else { return };
        for addresses in addresses.chunks(BATCH) {
            let (mut linked, mut best) = ([u64::MAX; BATCH], [None; BATCH]);
            for (linked, address) in linked.iter_mut().zip(addresses) {
                *linked = file.linked(*address).unwrap_or(u64::MAX);
            }
            let count = addresses.len();
            // One that is in no segment has no place in the order: such a file is broken, and has no names.
            if linked[..count].is_sorted() {
                elf.functions(&linked[..count], &mut best[..count]);
            }
            for (best, address) in best.iter().zip(addresses) {
                let name = best.and_then(Function::name);
                self.remembered[slot(*address)].set(Some((*address, name)));
            }
        }
    }

    /// The name of an address without one: its module, and how far into it.
    fn unnamed(&mut self, address: u64) -> name::Name {
        let mut text = name::Name::new();
        let Some(file) = self.images.at(address) else {
            let _ = write!(text, "{address:#x}");
            return text;
        };
        let linked = file.linked(address).unwrap_or(file.offset(address));
        let _ = write!(text, "{}+{linked:#x}", file.module.name());
        // Those of one file are one command; the program's own comes first in each stack that matters.
        let is_same = self.unknown_file.is_none_or(|first| first.module.path == file.module.path);
        if file.elf.is_some() && is_same && !file.module.is_of_system() {
            let mut hex = Text::<24>::new();
            let _ = write!(hex, " {linked:#x}");
            if !self.unknown.as_str().contains(hex.as_str()) && self.unknown.as_str().len() < 8160 {
                let _ = self.unknown.write_str(hex.as_str());
            }
            self.unknown_file = Some(file);
        }
        text
    }
}

fn slot(address: u64) -> usize {
    (address as usize).wrapping_mul(0x9E37_79B9) >> 7 & (REMEMBERED - 1)
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Symbols for SymbolTables<'_> {
    fn expect(&mut self, mut addresses: &[u64]) {
        while let [first, rest @ ..] = addresses {
            let Some(file) = self.images.at(*first) else {
                addresses = rest;
                continue;
            };
            let count = addresses.partition_point(|address| *address < file.module.end);
            self.look_up(file, &addresses[..count]);
            addresses = &addresses[count..];
        }
    }

    fn at(&mut self, address: u64, f: &mut dyn FnMut(Symbol<'_>)) {
        match self.function(address) {
            Some(mangled) => {
                let mut demangled = Text::<1024>::new();
                let _ = write!(demangled, "{:#}", rustc_demangle::demangle(mangled));
                let name = name::plain(demangled.as_str());
                f(Symbol { name, file: None, line: 0, is_known: true });
            }
            None => {
                let name = self.unnamed(address);
                let is_known = self.images.at(address).is_some_and(|file| file.module.is_of_system());
                f(Symbol { name, file: None, line: 0, is_known });
            }
        }
    }

    fn hint(&mut self, out: &mut dyn Write) {
        let Some(file) = self.unknown_file else { return };
        let name = file.module.name();
        let _ = write!(out, "no names in {name}");
        if let Some(id) = file.elf.and_then(Elf::build_id) {
            let _ = write!(out, " (build id {})", Hex(id));
        }
        let _ = writeln!(out, "; with the unstripped file: addr2line -Cfipe {name}{}", self.unknown.as_str());
    }

    /// The program is mapped first.
    fn build_id(&mut self, out: &mut dyn Write) {
        let image = self.images.first();
        if let Some(id) = image.and_then(|image| image.elf).and_then(Elf::build_id) {
            let _ = writeln!(out, "build id {}", Hex(id));
        }
    }

    fn descriptor(&mut self, descriptor: i32, object: &mut Text<160>) {
        let _ = write!(object, "file descriptor {descriptor}");
    }
}
