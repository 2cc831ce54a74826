//! Names for addresses: from debug information in the helper, from symbol tables in the dying process itself.

mod debug_info;
mod fd_info;
mod frame;
pub(crate) mod name;
mod source;
mod symbol_tables;

use std::fmt::Write;

use lifecycle_os::text::Text;

pub(crate) use debug_info::DebugInfo;
pub(crate) use frame::{Frame, Frames};
use name::Name;
pub(crate) use source::Author;
pub(crate) use symbol_tables::SymbolTables;

/// A function at an address, as its symbols have it.
pub(crate) struct Symbol<'a> {
    pub(crate) name: Name,
    /// In full; `None` without line tables.
    pub(crate) file: Option<&'a str>,
    pub(crate) line: u32,
    /// False for an address without a name, unless it is known that no user wrote what lies there.
    pub(crate) is_known: bool,
}

/// Looks up what a report shows by number otherwise.
pub(crate) trait Symbols {
    /// Most of the addresses that will be asked for, sorted: some find many at once faster than one by one.
    fn expect(&mut self, addresses: &[u64]);

    /// Calls `f` with each function at the address, inlined ones first; never without a call.
    fn at(&mut self, address: u64, f: &mut dyn FnMut(Symbol<'_>));

    /// Says how to find the names that are missing, if any are.
    fn hint(&mut self, out: &mut dyn Write);

    /// The build id of the program, if it has one.
    fn build_id(&mut self, out: &mut dyn Write);

    /// What a file descriptor of the process leads to.
    fn descriptor(&mut self, descriptor: i32, object: &mut Text<160>);
}
