//! Functions and the build id of an ELF file, without allocation: a file's bytes in, a name out. Pure.

use object::LittleEndian as Order;
use object::elf::{
    FileHeader64, NT_GNU_BUILD_ID, PF_X, PT_LOAD, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, SectionType,
};
use object::read::StringTable;
use object::read::elf::{FileHeader, ProgramHeader, SectionTable, Sym};

pub(super) type Header = FileHeader64<Order>;
type Symbol = <Header as FileHeader>::Sym;

/// A 64-bit little-endian ELF file.
#[derive(Clone, Copy)]
pub(crate) struct Elf<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: &'a Header,
}

/// A function of a symbol table: where it begins, and what the linker calls it.
#[derive(Clone, Copy)]
pub(crate) struct Function<'a> {
    value: u64,
    name: &'a [u8],
}

impl<'a> Function<'a> {
    /// The mangled name.
    pub(crate) fn name(self) -> Option<&'a str> {
        std::str::from_utf8(self.name).ok()
    }
}

impl<'a> Elf<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Elf<'a>> {
        let header = Header::parse(bytes).ok().filter(|header| header.is_little_endian())?;
        Some(Elf { bytes, header })
    }

    /// The address that the linker gave to what lies at `offset` of the file.
    pub(crate) fn address_of(self, offset: u64) -> Option<u64> {
        self.header.program_headers(Order, self.bytes).ok()?.iter().find_map(|segment| {
            let is_code = segment.p_type(Order) == PT_LOAD && segment.p_flags(Order).contains(PF_X);
            let inside = offset.checked_sub(segment.p_offset(Order))?;
            let holds = is_code && inside < segment.p_filesz(Order);
            holds.then(|| segment.p_vaddr(Order).saturating_add(inside))
        })
    }

    /// The functions that hold the linker's `addresses`, which are sorted, in one pass over each table.
    pub(crate) fn functions(self, addresses: &[u64], best: &mut [Option<Function<'a>>]) {
        // A file that is cut short has no names.
        let Ok(sections) = self.header.sections(Order, self.bytes) else { return };
        for kind in [SHT_SYMTAB, SHT_DYNSYM] {
            self.functions_in(&sections, kind, addresses, best);
        }
    }

    fn functions_in(
        self,
        sections: &SectionTable<'a, Header>,
        kind: SectionType,
        addresses: &[u64],
        best: &mut [Option<Function<'a>>],
    ) {
        let Ok(table) = sections.symbols(Order, self.bytes, kind) else { return };
        for symbol in table.iter().filter(|symbol| is_function(symbol)) {
            let (value, size) = (symbol.st_value(Order), symbol.st_size(Order));
            let first = addresses.partition_point(|address| *address < value);
            let inside = addresses[first..].iter().take_while(|address| **address - value < size.max(1));
            for (_, best) in inside.zip(&mut best[first..]) {
                if best.is_none_or(|best| best.value < value) {
                    *best = name(symbol, table.strings()).map(|name| Function { value, name });
                }
            }
        }
    }

    /// The bytes that name this very build, if the linker left them.
    pub(crate) fn build_id(self) -> Option<&'a [u8]> {
        self.header.program_headers(Order, self.bytes).ok()?.iter().find_map(|segment| {
            let mut notes = segment.notes(Order, self.bytes).ok()??;
            while let Ok(Some(note)) = notes.next() {
                if note.n_type(Order) == NT_GNU_BUILD_ID {
                    return Some(note.desc());
                }
            }
            None
        })
    }
}

fn is_function(symbol: &Symbol) -> bool {
    symbol.st_type() == STT_FUNC && symbol.st_shndx(Order) != SHN_UNDEF
}

fn name<'a>(symbol: &Symbol, strings: StringTable<'a>) -> Option<&'a [u8]> {
    symbol.name(Order, strings).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_test_is_found_in_its_own_executable() {
        let path = std::env::current_exe().expect("we run");
        let bytes = std::fs::read(path).expect("readable");
        let elf = Elf::new(&bytes).expect("an ELF file");
        let function = this_very_test_is_found_in_its_own_executable as fn() as usize as u64;
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let module = crate::image::modules::modules(&maps)
            .find(|module| module.begin <= function && function < module.end)
            .expect("mapped");
        let address = elf.address_of(function - module.begin + module.offset).expect("in a segment");
        let mut best = [None; 2];
        elf.functions(&[1, address + 1], &mut best);
        let name = best[1].and_then(Function::name).expect("not stripped");
        assert!(name.contains("this_very_test_is_found"), "{name}");
        assert!(best[0].is_none());
    }

    #[test]
    fn rubbish_is_no_file_and_a_cut_one_has_no_names() {
        let path = std::env::current_exe().expect("we run");
        let bytes = std::fs::read(path).expect("readable");
        let nothing = |bytes: &[u8]| {
            let mut best = [None; 1];
            Elf::new(bytes).is_none_or(|elf| {
                elf.functions(&[0], &mut best);
                elf.address_of(0).is_none() && best[0].is_none() && elf.build_id().is_none()
            })
        };
        assert!(Elf::new(b"#!/bin/sh").is_none());
        assert!(nothing(&bytes[..64]) && nothing(&bytes[..63]));
        let mut wild = [0xff; 256];
        wild[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        assert!(nothing(&wild));
    }
}
