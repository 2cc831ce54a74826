//! Call frame information: where the caller of a function is to be found. Without allocation. Pure.

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, ParsedEhFrameHdr, Register,
    RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
};

use object::LittleEndian as Order;
use object::elf::{PT_GNU_EH_FRAME, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use super::elf::{Elf, Header};

type Segment = <Header as FileHeader>::ProgramHeader;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// As many as DWARF numbers for x86_64, the return address last.
pub(crate) const REGISTERS: usize = 17;
pub(crate) const RETURN_ADDRESS: usize = 16;

/// Of one file.
pub(crate) struct UnwindTables<'a> {
    index: ParsedEhFrameHdr<Bytes<'a>>,
    frames: EhFrame<Bytes<'a>>,
    bases: BaseAddresses,
}

/// Where the values of a function's caller are, at one address in it.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Where the function begins, as the linker counts.
    pub(crate) start: u64,
    /// The register and the offset that lead to the caller's stack pointer; `None`: by other means.
    pub(crate) frame: Option<(usize, i64)>,
    pub(crate) registers: [Place; REGISTERS],
}

/// Where a register's value was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing is said: kept, if a called function must keep it.
    Same,
    /// At this offset from the caller's stack pointer.
    At(i64),
    /// Gone; of the return address: there is no caller.
    Nowhere,
}

/// The buffers of a look-up, in place.
pub(crate) struct Buffers(UnwindContext<usize, InPlace>);

struct InPlace;

impl UnwindContextStorage<usize> for InPlace {
    type Rules = [(Register, RegisterRule<usize>); 32];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

impl Buffers {
    pub(crate) fn new() -> Buffers {
        Buffers(UnwindContext::new_in())
    }
}

impl<'a> Elf<'a> {
    /// Where callers are to be found, if the linker left an index of it.
    pub(crate) fn unwind_tables(self) -> Option<UnwindTables<'a>> {
        let segments = self.header.program_headers(Order, self.bytes).ok()?;
        let index = segments.iter().find(|segment| segment.p_type(Order) == PT_GNU_EH_FRAME)?;
        UnwindTables::new(index.p_vaddr(Order), index.data(Order, self.bytes).ok()?, |address| {
            let holds = |segment: &&Segment| {
                let inside = address.checked_sub(segment.p_vaddr(Order));
                segment.p_type(Order) == PT_LOAD
                    && inside.is_some_and(|inside| inside < segment.p_filesz(Order))
            };
            let segment = segments.iter().find(holds)?;
            let inside = usize::try_from(address - segment.p_vaddr(Order)).ok()?;
            segment.data(Order, self.bytes).ok()?.get(inside..)
        })
    }
}

impl<'a> UnwindTables<'a> {
    /// The index lies at `address`, as the linker counts; `bytes_at` gives what lies at another.
    fn new(
        address: u64,
        index: &'a [u8],
        bytes_at: impl FnOnce(u64) -> Option<&'a [u8]>,
    ) -> Option<UnwindTables<'a>> {
        let mut bases = BaseAddresses::default().set_eh_frame_hdr(address);
        let index = EhFrameHdr::new(index, LittleEndian).parse(&bases, 8).ok()?;
        let frames = index.eh_frame_ptr().direct().ok()?;
        bases = bases.set_eh_frame(frames);
        let frames = EhFrame::new(bytes_at(frames)?, LittleEndian);
        Some(UnwindTables { index, frames, bases })
    }

    /// What holds at an address, as the linker counts.
    pub(crate) fn row(&self, address: u64, buffers: &mut Buffers) -> Option<Row> {
        let (frames, bases) = (&self.frames, &self.bases);
        let table = self.index.table()?;
        let entry = table.fde_for_address(frames, bases, address, EhFrame::cie_from_offset).ok()?;
        if entry.is_signal_trampoline() {
            return None;
        }
        let row = entry.unwind_info_for_address(frames, bases, &mut buffers.0, address).ok()?;
        let frame = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => Some((usize::from(register.0), *offset)),
            CfaRule::Expression(_) => None,
        };
        let registers = std::array::from_fn(|number| match row.register(Register(number as u16)) {
            None | Some(RegisterRule::SameValue) => Place::Same,
            Some(RegisterRule::Offset(offset)) => Place::At(offset),
            Some(_) => Place::Nowhere,
        });
        Some(Row { start: entry.initial_address(), frame, registers })
    }
}
