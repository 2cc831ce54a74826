//! The stack of a thread that sleeps in the kernel, read from outside: the thread is not disturbed, and its system call
//! goes on. Allocates nothing and takes no lock.
//!
//! The kernel tells where it is (`/proc/self/task/N/syscall`: program counter and stack pointer); the files that it runs
//! tell where each caller is (`.eh_frame`). Of other registers nothing is known at first: a function that keeps
//! its frame by `rbp` is asked by the begin of its code how large its frame is.

use super::scan::{self, call_before};
use super::stack_memory::StackMemory;
use super::threads;
use crate::dump::{Call, Thread, Walk};
use crate::image::unwind_tables::{Buffers, Place, REGISTERS, RETURN_ADDRESS, Row};
use crate::image::{Image, Images};

/// By DWARF's numbers.
const RBP: usize = 6;
const RSP: usize = 7;

/// What a called function gives back as it was: rbx, rbp, r12 to r15.
const KEPT: [usize; 6] = [3, RBP, 12, 13, 14, 15];

/// A thread may wake up and fall asleep elsewhere while it is looked at.
const ATTEMPTS: usize = 3;

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the end, or to the last frame that there is room for.
    Whole,
    /// What is there is right, and not all.
    Part,
    /// Return addresses that were found on its stack.
    Guess,
    /// Nothing: the thread runs.
    Awake,
}

/// Walks stacks, one after the other.
pub(super) struct Outside<'a> {
    images: Images<'a>,
    buffers: Buffers,
    memory: StackMemory,
}

/// The values of one frame, as far as they are known.
type Registers = [Option<u64>; REGISTERS];

impl<'a> Outside<'a> {
    /// `maps` is what `/proc/self/maps` says of executable mappings.
    pub(super) fn new(maps: &'a str) -> Outside<'a> {
        Outside { images: Images::new(maps), buffers: Buffers::new(), memory: StackMemory::new() }
    }

    /// Notes the stack of a thread, and the system call that it is in.
    pub(super) fn walk(&mut self, thread: &mut Thread, walk: &Walk) -> Extent {
        for _ in 0..ATTEMPTS {
            if thread.call.pc == 0 {
                return Extent::Awake;
            }
            let ran = threads::ran(thread.id);
            walk.clear();
            self.memory.forget();
            let extent = self.walk_once(thread.call, walk);
            let call = threads::call(thread.id);
            // Otherwise what was read is of different moments.
            if call == thread.call && threads::ran(thread.id) == ran {
                return extent;
            }
            thread.call = call;
        }
        walk.clear();
        Extent::Awake
    }

    fn walk_once(&mut self, call: Call, walk: &Walk) -> Extent {
        let mut registers: Registers = [None; REGISTERS];
        (registers[RETURN_ADDRESS], registers[RSP]) = (Some(call.pc), Some(call.sp));
        let mut has_room = walk.store(call.pc);
        let mut address = call.pc;
        while has_room {
            let Some(caller) = self.caller(address, &registers) else { return self.guess(call, walk) };
            let Some(pc) = caller[RETURN_ADDRESS] else { return Extent::Whole };
            registers = caller;
            // The address to look up: of the call, not of the instruction behind it.
            address = pc - 1;
            has_room = walk.store(address);
        }
        Extent::Whole
    }

    /// The registers of the caller, without a return address if there is none; `None` if they cannot be found.
    fn caller(&mut self, address: u64, registers: &Registers) -> Option<Registers> {
        let image = self.images.at(address)?;
        let row = image.elf?.unwind_tables()?.row(image.linked(address)?, &mut self.buffers)?;
        let mut known = *registers;
        let (base, offset) = row.frame?;
        if base == RBP && known[RBP].is_none() {
            known[RBP] = Some(self.frame_pointer(&image, address, &row, registers[RSP]?)?);
        }
        let frame = (*known.get(base)?)?.checked_add_signed(offset)?;
        let mut caller = [None; REGISTERS];
        for (number, place) in row.registers.into_iter().enumerate() {
            caller[number] = match place {
                Place::Same if KEPT.contains(&number) => known[number],
                Place::At(offset) => self.memory.read(frame.checked_add_signed(offset)?),
                Place::Same | Place::Nowhere => None,
            };
        }
        caller[RSP] = Some(frame);
        match (row.registers[RETURN_ADDRESS], caller[RETURN_ADDRESS]) {
            (Place::Nowhere, _) | (_, Some(0)) => caller[RETURN_ADDRESS] = None,
            (_, Some(pc)) if call_before(pc).is_some() => {}
            _ => return None,
        }
        Some(caller)
    }

    /// Where `rbp` points in a function that keeps its frame by it, whose caller's is saved there.
    fn frame_pointer(&mut self, image: &Image<'_>, address: u64, row: &Row, stack: u64) -> Option<u64> {
        let start = address - image.linked(address)?.checked_sub(row.start)?;
        let pointer = stack.checked_add(frame_size(image.from(start)?)?)?;
        let pc = self.memory.read(pointer.checked_add(8)?)?;
        call_before(pc).map(|_| pointer)
    }

    /// For want of better, as on musl; unless the walk has come far enough to say something.
    fn guess(&mut self, call: Call, walk: &Walk) -> Extent {
        if walk.addresses().count() >= scan::LEAST as usize {
            return Extent::Part;
        }
        walk.clear();
        let mut has_room = walk.store(call.pc);
        for word in 0..(scan::DEPTH / size_of::<u64>()) as u64 {
            let Some(word) = self.memory.read((call.sp & !7) + 8 * word).filter(|_| has_room) else { break };
            if let Some(address) = call_before(word) {
                has_room = walk.store(address);
            }
        }
        Extent::Guess
    }
}

/// From the stack pointer in the body of a function to its frame pointer, by its first instructions: `push rbp`, `mov rbp, rsp`,
/// further pushes, and what it makes room for.
fn frame_size(code: &[u8]) -> Option<u64> {
    let code = code.strip_prefix(&[0xF3, 0x0F, 0x1E, 0xFA]).unwrap_or(code);
    let mut code = code.strip_prefix(&[0x55, 0x48, 0x89, 0xE5])?;
    let mut size = 0;
    loop {
        (code, size) = match code {
            [0x50 | 0x53, rest @ ..] | [0x41, 0x54..=0x57, rest @ ..] => (rest, size + 8),
            [0x48, 0x83, 0xEC, room @ 0..0x80, ..] => return Some(size + u64::from(*room)),
            [0x48, 0x81, 0xEC, a, b, c, d, ..] => {
                return Some(size + u64::from(u32::from_le_bytes([*a, *b, *c, *d])));
            }
            // It rounds: the distance is another one each time.
            [0x48, 0x81 | 0x83, 0xE4, ..] => return None,
            _ => return Some(size),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_frame_stands_at_the_begin_of_a_function() {
        for (code, expected) in [
            (&[0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x20, 0x90][..], Some(0x20)),
            (&[0x55, 0x48, 0x89, 0xE5, 0x41, 0x57, 0x53, 0x48, 0x81, 0xEC, 0, 1, 0, 0], Some(0x110)),
            (&[0xF3, 0x0F, 0x1E, 0xFA, 0x55, 0x48, 0x89, 0xE5, 0x50, 0xE8], Some(8)),
            (&[0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xE4, 0xE0, 0x48, 0x83, 0xEC, 0x20], None),
            (&[0x48, 0x83, 0xEC, 0x20], None),
            (&[], None),
        ] {
            assert_eq!(frame_size(code), expected, "{code:x?}");
        }
    }
}
