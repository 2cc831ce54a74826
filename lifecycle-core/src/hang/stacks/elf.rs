//! Just enough of ELF to find a function's name, without allocation. Pure: a file's bytes in, a name out.

/// A 64-bit little-endian ELF file.
#[derive(Clone, Copy)]
pub(super) struct Elf<'a> {
    bytes: &'a [u8],
}

const PROGRAM_LOAD: u32 = 1;
const PROGRAM_NOTE: u32 = 4;
const EXECUTABLE: u32 = 1;
const SYMBOLS: u32 = 2;
const DYNAMIC_SYMBOLS: u32 = 11;
const FUNCTION: u8 = 2;
const BUILD_ID: u32 = 3;

/// A function of a symbol table: where it begins, and where in the file its name lies.
#[derive(Clone, Copy)]
pub(super) struct Function {
    value: u64,
    name: u64,
}

impl<'a> Elf<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Option<Elf<'a>> {
        // Class 64, data little-endian.
        bytes.starts_with(b"\x7fELF\x02\x01").then_some(Elf { bytes })
    }

    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let at = usize::try_from(at).ok()?;
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: u64) -> Option<u64> {
        self.read(at).map(|bytes| u64::from(u16::from_le_bytes(bytes)))
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.read(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.read(at).map(u64::from_le_bytes)
    }

    /// The headers of segments: offset of each.
    fn programs(self) -> impl Iterator<Item = u64> {
        let (table, count) = (self.u64(32).unwrap_or(0), self.u16(56).unwrap_or(0));
        (0..count).filter_map(move |index| table.checked_add(index * 56))
    }

    /// The headers of sections of a kind.
    fn sections(self, kind: u32) -> impl Iterator<Item = u64> {
        let (table, count) = (self.u64(40).unwrap_or(0), self.u16(60).unwrap_or(0));
        let headers = (0..count).filter_map(move |index| table.checked_add(index * 64));
        headers.filter(move |at| self.u32(after(*at, 4)) == Some(kind))
    }

    /// The address that the linker gave to what lies at `offset` of the file.
    pub(super) fn address_of(self, offset: u64) -> Option<u64> {
        self.programs().find_map(|at| {
            let (kind, flags) = (self.u32(at)?, self.u32(after(at, 4))?);
            let (start, address, size) =
                (self.u64(after(at, 8))?, self.u64(after(at, 16))?, self.u64(after(at, 32))?);
            let holds = offset >= start && offset - start < size;
            (kind == PROGRAM_LOAD && flags & EXECUTABLE != 0 && holds).then(|| after(address, offset - start))
        })
    }

    /// The mangled names of the functions that hold the linker's `addresses`, which are sorted, in one pass.
    pub(super) fn functions(self, addresses: &[u64], best: &mut [Option<Function>]) {
        for kind in [SYMBOLS, DYNAMIC_SYMBOLS] {
            for table in self.sections(kind) {
                // A table that is cut short has no names.
                let _ = self.functions_in(table, addresses, best);
            }
        }
    }

    fn functions_in(self, table: u64, addresses: &[u64], best: &mut [Option<Function>]) -> Option<()> {
        let (start, size) = (self.u64(after(table, 24))?, self.u64(after(table, 32))?);
        let link = u64::from(self.u32(after(table, 40))?);
        let names = self.u64(self.u64(40)?.checked_add(link * 64)?.checked_add(24)?)?;
        let range = usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?;
        for entry in self.bytes.get(range)?.chunks_exact(24) {
            let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
            if entry[4] & 15 != FUNCTION || (entry[6], entry[7]) == (0, 0) {
                continue;
            }
            let (value, length) = (word(8), word(16));
            let first = addresses.partition_point(|address| *address < value);
            let inside = addresses[first..].iter().take_while(|address| **address - value < length.max(1));
            for (_, best) in inside.zip(&mut best[first..]) {
                if best.is_none_or(|best| best.value < value) {
                    let name = u64::from(u32::from_le_bytes(entry[..4].try_into().unwrap_or_default()));
                    *best = Some(Function { value, name: after(names, name) });
                }
            }
        }
        Some(())
    }

    /// The mangled name of a function.
    pub(super) fn name(self, function: Function) -> Option<&'a str> {
        let name = self.bytes.get(usize::try_from(function.name).ok()?..)?;
        let name = &name[..name.iter().position(|byte| *byte == 0)?];
        std::str::from_utf8(name).ok()
    }

    /// The bytes that name this very build, if the linker left them.
    pub(super) fn build_id(self) -> Option<&'a [u8]> {
        self.programs().filter(|at| self.u32(*at) == Some(PROGRAM_NOTE)).find_map(|at| {
            let (mut note, size) = (self.u64(after(at, 8))?, self.u64(after(at, 32))?);
            let end = note.checked_add(size)?;
            while note < end {
                let (name, data) = (u64::from(self.u32(note)?), u64::from(self.u32(after(note, 4))?));
                let content = after(note, 12 + name.next_multiple_of(4));
                if self.u32(after(note, 8))? == BUILD_ID {
                    let content = usize::try_from(content).ok()?;
                    return self.bytes.get(content..content.checked_add(usize::try_from(data).ok()?)?);
                }
                note = after(content, data.next_multiple_of(4));
            }
            None
        })
    }
}

/// Past the end of any file, if the numbers of a broken one say so.
fn after(at: u64, offset: u64) -> u64 {
    at.saturating_add(offset)
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
        let module = super::super::modules::modules(&maps)
            .find(|module| module.begin <= function && function < module.end)
            .expect("mapped");
        let address = elf.address_of(function - module.begin + module.offset).expect("in a segment");
        let mut best = [None; 2];
        elf.functions(&[1, address + 1], &mut best);
        let name = best[1].and_then(|function| elf.name(function)).expect("not stripped");
        assert!(name.contains("this_very_test_is_found"), "{name}");
        assert!(best[0].is_none());
    }

    #[test]
    fn rubbish_is_no_file_and_a_cut_one_has_no_names() {
        let nothing = |elf: Elf<'_>| {
            let mut best = [None; 1];
            elf.functions(&[0], &mut best);
            elf.address_of(0).is_none() && best[0].is_none() && elf.build_id().is_none()
        };
        assert!(Elf::new(b"#!/bin/sh").is_none());
        let cut = Elf::new(b"\x7fELF\x02\x01\x01").expect("it begins well");
        assert!(nothing(cut));
        let mut wild = [0xff; 256];
        wild[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let wild = Elf::new(&wild).expect("it begins well");
        assert!(nothing(wild));
    }
}
