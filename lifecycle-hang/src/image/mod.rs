//! The files that code of a process comes from, opened and mapped once they are asked for. Allocates nothing.

pub(crate) mod elf;
pub(crate) mod modules;
/// Only there a stack is read from outside.
#[cfg(target_arch = "x86_64")]
pub(crate) mod unwind_tables;

use std::os::fd::AsRawFd;

use lifecycle_os::procfs;

use elf::Elf;
use modules::{Module, modules};

/// One more than anybody has.
const MODULES: usize = 48;

/// Those of one process.
pub(crate) struct Images<'a> {
    maps: &'a str,
    files: [Option<Image<'a>>; MODULES],
}

/// A file, as far as it can be read.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a> {
    pub(crate) module: Module<'a>,
    bytes: Option<&'a [u8]>,
    pub(crate) elf: Option<Elf<'a>>,
}

impl<'a> Images<'a> {
    /// `maps` is what `/proc/self/maps` says of executable mappings.
    pub(crate) fn new(maps: &'a str) -> Images<'a> {
        Images { maps, files: [None; MODULES] }
    }

    /// What is mapped first.
    pub(crate) fn first(&mut self) -> Option<Image<'a>> {
        self.at(modules(self.maps).next()?.begin)
    }

    /// What the address lies in.
    pub(crate) fn at(&mut self, address: u64) -> Option<Image<'a>> {
        let holds = |module: &Module<'_>| module.begin <= address && address < module.end;
        let known = self.files.iter().flatten().find(|file| holds(&file.module));
        if let Some(file) = known {
            return Some(*file);
        }
        let module = modules(self.maps).find(holds)?;
        // Before the file is opened: one that has no place would stay mapped.
        let free = self.files.iter_mut().find(|file| file.is_none())?;
        let bytes = map(&module);
        Some(*free.insert(Image { module, bytes, elf: bytes.and_then(Elf::new) }))
    }
}

impl Drop for Images<'_> {
    fn drop(&mut self) {
        for bytes in self.files.iter().flatten().filter_map(|file| file.bytes) {
            // SAFETY: mapped by `map`; what is found in them lives no longer than `self`.
            unsafe { libc::munmap(bytes.as_ptr().cast_mut().cast(), bytes.len()) };
        }
    }
}

impl<'a> Image<'a> {
    /// Where an address of the module lies in the file.
    pub(crate) fn offset(&self, address: u64) -> u64 {
        address - self.module.begin + self.module.offset
    }

    /// As the linker counts.
    pub(crate) fn linked(&self, address: u64) -> Option<u64> {
        self.elf?.address_of(self.offset(address))
    }

    /// Code from an address of the module on, to the end of the file.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn from(&self, address: u64) -> Option<&'a [u8]> {
        self.bytes?.get(usize::try_from(self.offset(address)).ok()?..)
    }
}

/// The whole file; `Images` unmaps it. Of what was deleted only the program itself can still be read.
fn map<'a>(module: &Module<'_>) -> Option<&'a [u8]> {
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
