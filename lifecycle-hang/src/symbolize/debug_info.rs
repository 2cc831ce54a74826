//! Names with files and lines, by the `backtrace` crate: in the helper, whose heap and locks are healthy.

use std::collections::HashMap;
use std::fmt::Write;

use super::fd_info;
use super::name::{self, Name};
use super::symbol_tables::SymbolTables;
use super::{Symbol, Symbols};
use crate::image::modules::{Module, modules};
use lifecycle_os::text::Text;

/// What the helper knows of the process that it was started by.
pub(crate) struct DebugInfo<'a> {
    /// Each address comes several times.
    known: HashMap<u64, Vec<Function>>,
    pid: u32,
    theirs: Vec<Module<'a>>,
    ours: Vec<Module<'a>>,
    /// For what has no lines, and for modules that only they have loaded.
    tables: SymbolTables<'a>,
}

struct Function {
    name: Name,
    file: Option<String>,
    line: u32,
}

impl<'a> DebugInfo<'a> {
    pub(crate) fn new(pid: u32, theirs: &'a str, ours: &'a str) -> DebugInfo<'a> {
        let tables = SymbolTables::new(theirs);
        DebugInfo {
            known: HashMap::new(),
            pid,
            theirs: modules(theirs).collect(),
            ours: modules(ours).collect(),
            tables,
        }
    }

    /// The same place of the same file in this process. None for a file that is gone: its lines cannot be read.
    fn own_address(&self, address: u64) -> Option<u64> {
        let theirs = self.theirs.iter().find(|module| module.begin <= address && address < module.end)?;
        let same = |own: &&Module<'_>| own.path == theirs.path && own.offset == theirs.offset;
        let ours = self.ours.iter().find(same).filter(|_| !theirs.is_deleted())?;
        Some(address - theirs.begin + ours.begin)
    }
}

/// Those at an address of this process.
fn functions(address: u64) -> Vec<Function> {
    let mut functions = Vec::new();
    // It takes a return address, and looks up what lies before it.
    backtrace::resolve(std::ptr::without_provenance_mut(address as usize + 1), |symbol| {
        if let Some(name) = symbol.name() {
            let name = name::plain(&format!("{name:#}"));
            let file = symbol.filename().map(|file| file.to_string_lossy().into_owned());
            functions.push(Function { name, file, line: symbol.lineno().unwrap_or(0) });
        }
    });
    functions
}

impl Symbols for DebugInfo<'_> {
    fn expect(&mut self, addresses: &[u64]) {
        let unreadable = |address: &u64| self.own_address(*address).is_none();
        let addresses: Vec<u64> = addresses.iter().copied().filter(unreadable).collect();
        self.tables.expect(&addresses);
    }

    fn at(&mut self, address: u64, f: &mut dyn FnMut(Symbol<'_>)) {
        if !self.known.contains_key(&address) {
            let functions = self.own_address(address).map(functions).unwrap_or_default();
            self.known.insert(address, functions);
        }
        let functions = &self.known[&address];
        if functions.is_empty() {
            return self.tables.at(address, f);
        }
        for Function { name, file, line } in functions {
            f(Symbol { name: *name, file: file.as_deref(), line: *line, is_known: true });
        }
    }

    fn hint(&mut self, out: &mut dyn Write) {
        self.tables.hint(out);
    }

    fn build_id(&mut self, out: &mut dyn Write) {
        self.tables.build_id(out);
    }

    fn descriptor(&mut self, descriptor: i32, object: &mut Text<160>) {
        let _ = write!(object, "{}", fd_info::describe(self.pid, descriptor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_this_very_test_has_its_line() {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let code = maps.lines().filter(|line| line.contains(" r-xp ")).map(|line| format!("{line}\n"));
        let maps = code.collect::<String>();
        let (this, line) = (a_function_of_this_very_test_has_its_line as fn(), line!() - 4);
        let mut found = Vec::new();
        DebugInfo::new(std::process::id(), &maps, &maps).at(this as usize as u64, &mut |symbol| {
            let file = symbol.file.unwrap_or_default().to_owned();
            found.push((symbol.name.as_str().to_owned(), file, symbol.line));
        });
        let (name, file, found) = found.pop().expect("a name");
        assert!(name.contains("a_function_of_this_very_test"), "{name}");
        assert!(file.ends_with("symbolize/debug_info.rs") && found == line, "{file}:{found}, not {line}");
    }
}
