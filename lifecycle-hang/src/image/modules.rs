//! The mapped files that code comes from, as `/proc/self/maps` lists them. Pure.

/// An executable mapping of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Module<'a> {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// In the file.
    pub(crate) offset: u64,
    /// Ends with ` (deleted)` if the file was deleted or replaced.
    pub(crate) path: &'a str,
}

impl Module<'_> {
    /// Of the path.
    pub(crate) fn name(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        name.strip_suffix(" (deleted)").unwrap_or(name)
    }

    /// Nearly everywhere these have no names for what they do not export: nobody need look them up, since no user wrote them.
    pub(crate) fn is_of_system(&self) -> bool {
        let begins = ["libc.so", "libc-2.", "libpthread", "libgcc_s", "ld-", "[vdso]"];
        begins.iter().any(|begin| self.name().starts_with(begin))
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.path.ends_with(" (deleted)")
    }
}

/// The lines of `/proc/self/maps`.
pub(crate) fn modules(maps: &str) -> impl Iterator<Item = Module<'_>> {
    maps.lines().filter_map(module)
}

fn module(line: &str) -> Option<Module<'_>> {
    let mut words = line.splitn(6, ' ');
    let (begin, end) = words.next()?.split_once('-')?;
    let (_access, offset, _device, _inode) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(Module {
        begin: hex(begin)?,
        end: hex(end)?,
        offset: hex(offset)?,
        path: words.next().unwrap_or_default().trim_start(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_is_read() {
        let maps = "55d0-55e0 r-xp 00001000 fe:01 1311    /srv/my app (deleted)\n7f00-7f01 r-xp 0 00:00 0 [vdso]\nx\n7-8 r-xp 0 0:0 0\n";
        let read: Vec<_> = modules(maps).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].begin, read[0].end, read[0].offset), (0x55d0, 0x55e0, 0x1000));
        assert!(read[0].is_deleted());
        assert_eq!(read.iter().map(Module::name).collect::<Vec<_>>(), ["my app", "[vdso]", ""]);
        assert_eq!(read.iter().map(Module::is_of_system).collect::<Vec<_>>(), [false, true, false]);
    }
}
