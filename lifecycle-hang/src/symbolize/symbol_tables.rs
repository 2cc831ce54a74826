//! Names from the symbol tables of the mapped files, without allocation: for a process whose allocator may be stuck.

use std::cell::Cell;
use std::fmt::Write;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::elf::{Elf, Function};
use super::name;
use super::{Symbol, Symbols};
use crate::dump::modules::{Module, modules};
use lifecycle_os::procfs;
use lifecycle_os::text::Text;

/// Names are looked for no longer than this; what is left is shown by its address.
const PATIENCE: Duration = Duration::from_millis(1000);

const MODULES: usize = 48;

/// Addresses that are looked up in one pass over a symbol table.
const BATCH: usize = 1024;

/// A power of two.
const REMEMBERED: usize = 2048;

/// The symbol tables of one process's modules.
pub(crate) struct SymbolTables<'a> {
    maps: &'a str,
    files: [Option<File<'a>>; MODULES],
    /// What was looked up: most addresses come several times.
    remembered: [Cell<Option<Known<'a>>>; REMEMBERED],
    until: Instant,
    /// The first addresses without a name, as `addr2line` takes them.
    unknown: Text<8192>,
    unknown_file: Option<File<'a>>,
}

/// An address, and its function's mangled name.
type Known<'a> = (u64, Option<&'a str>);

#[derive(Clone, Copy)]
struct File<'a> {
    module: Module<'a>,
    bytes: Option<&'a [u8]>,
    elf: Option<Elf<'a>>,
}

impl<'a> SymbolTables<'a> {
    pub(crate) fn new(maps: &'a str) -> SymbolTables<'a> {
        SymbolTables {
            maps,
            files: [None; MODULES],
            remembered: [const { Cell::new(None) }; REMEMBERED],
            until: Instant::now() + PATIENCE,
            unknown: Text::new(),
            unknown_file: None,
        }
    }

    /// Opened at its first address.
    fn file(&mut self, address: u64) -> Option<File<'a>> {
        let holds = |module: &Module<'_>| module.begin <= address && address < module.end;
        let known = self.files.iter().flatten().find(|file| holds(&file.module));
        if let Some(file) = known {
            return Some(*file);
        }
        let module = modules(self.maps).find(holds)?;
        let bytes = open(&module);
        let file = File { module, bytes, elf: bytes.and_then(Elf::new) };
        match self.files.iter_mut().find(|file| file.is_none()) {
            Some(free) => *free = Some(file),
            // One more than anybody has: its memory is not given back.
            None => return None,
        }
        Some(file)
    }

    fn function(&mut self, address: u64) -> Option<&'a str> {
        if let Some((_, name)) = self.remembered[slot(address)].get().filter(|(known, _)| *known == address) {
            return name;
        }
        let file = self.file(address).filter(|_| Instant::now() < self.until)?;
        self.look_up(file, &[address]);
        self.remembered[slot(address)].get()?.1
    }

    /// Remembers the names of the addresses, which are sorted and lie in the file.
    fn look_up(&self, file: File<'a>, addresses: &[u64]) {
        let Some(elf) = file.elf else { return };
        for addresses in addresses.chunks(BATCH) {
            let (mut linked, mut best) = ([u64::MAX; BATCH], [None; BATCH]);
            for (linked, address) in linked.iter_mut().zip(addresses) {
                *linked = elf.address_of(file.offset(*address)).unwrap_or(u64::MAX);
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
        let Some(file) = self.file(address) else {
            let _ = write!(text, "{address:#x}");
            return text;
        };
        let offset = file.offset(address);
        let linked = file.elf.and_then(|elf| elf.address_of(offset)).unwrap_or(offset);
        let _ = write!(text, "{}+{linked:#x}", file.module.name());
        // Those of one file are one command; the program's own comes first in each stack that matters.
        let is_same = self.unknown_file.is_none_or(|first| first.module.path == file.module.path);
        if file.elf.is_some() && is_same {
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

impl Drop for SymbolTables<'_> {
    fn drop(&mut self) {
        for bytes in self.files.iter().flatten().filter_map(|file| file.bytes) {
            // SAFETY: mapped by `open`; names out of it live no longer than `self`.
            unsafe { libc::munmap(bytes.as_ptr().cast_mut().cast(), bytes.len()) };
        }
    }
}

impl File<'_> {
    fn offset(&self, address: u64) -> u64 {
        address - self.module.begin + self.module.offset
    }
}

fn slot(address: u64) -> usize {
    (address as usize).wrapping_mul(0x9E37_79B9) >> 7 & (REMEMBERED - 1)
}

impl Symbols for SymbolTables<'_> {
    fn expect(&mut self, mut addresses: &[u64]) {
        while let [first, rest @ ..] = addresses {
            let Some(file) = self.file(*first) else {
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
                f(Symbol { name, file: None, line: 0, is_known: false });
            }
        }
    }

    fn hint(&mut self, out: &mut dyn Write) {
        let Some(file) = self.unknown_file else { return };
        let name = file.module.name();
        let _ = write!(out, "no names in {name}");
        if let Some(id) = file.elf.and_then(Elf::build_id) {
            let _ = write!(out, " (build id ");
            id.iter().for_each(|byte| {
                let _ = write!(out, "{byte:02x}");
            });
            let _ = write!(out, ")");
        }
        let _ = writeln!(out, "; with the unstripped file: addr2line -Cfipe {name}{}", self.unknown.as_str());
    }

    fn descriptor(&mut self, descriptor: i32, object: &mut Text<160>) {
        let _ = write!(object, "file descriptor {descriptor}");
    }
}

/// Maps the module's file; `SymbolTables` unmaps it.
fn open<'a>(module: &Module<'_>) -> Option<&'a [u8]> {
    // The service's own executable can be read even after a deployment has replaced it.
    let file = if module.is_deleted() {
        procfs::File::open(format_args!("/proc/self/exe"), libc::O_RDONLY)
    } else if module.path.starts_with('/') {
        procfs::File::open(format_args!("{}", module.path), libc::O_RDONLY)
    } else {
        None
    }?;
    let descriptor = file.as_raw_fd();
    // SAFETY: a private mapping of the whole file, checked. A file that somebody cuts short
    // meanwhile makes a fault of it: so ends a process that is condemned, or a helper that has a fallback.
    unsafe {
        let len = usize::try_from(libc::lseek(descriptor, 0, libc::SEEK_END)).ok().filter(|len| *len > 0)?;
        let at = libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, descriptor, 0);
        (at != libc::MAP_FAILED).then(|| std::slice::from_raw_parts(at.cast::<u8>(), len))
    }
}
