//! Read from the program's own headers in memory, so that the file may be gone by now.

use std::ffi::{c_int, c_void};
use std::fs::{self, Metadata};

const NT_GNU_BUILD_ID: u32 = 3;

pub(super) fn build_id() -> Option<Vec<u8>> {
    let mut found: Option<Vec<u8>> = None;
    // SAFETY: `first_object` is called before this returns, and with this pointer.
    unsafe { libc::dl_iterate_phdr(Some(first_object), (&raw mut found).cast()) };
    found
}

/// The first object is the program itself: nothing is asked about the others.
unsafe extern "C" fn first_object(info: *mut libc::dl_phdr_info, _: usize, found: *mut c_void) -> c_int {
    // SAFETY: the loader passes an object that is mapped, with as many headers as it says.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_NOTE) {
        let (Ok(start), Ok(len)) = (usize::try_from(base + header.p_vaddr), usize::try_from(header.p_memsz))
        else {
            continue;
        };
        // SAFETY: a segment of notes lies inside a loaded one, and is never written or unmapped.
        let notes = unsafe { std::slice::from_raw_parts(start as *const u8, len) };
        if let Some(id) = in_notes(notes) {
            // SAFETY: what `build_id` passed.
            unsafe { *found.cast::<Option<Vec<u8>>>() = Some(id.to_vec()) };
            break;
        }
    }
    1
}

/// Each note: the lengths of its name and of its contents, its type, and both, padded to four bytes.
fn in_notes(mut notes: &[u8]) -> Option<&[u8]> {
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
    while notes.len() > 12 {
        let (name, len) = (number(&notes[..4])? as usize, number(&notes[4..8])? as usize);
        let kind = number(&notes[8..12])?;
        let begin = 12_usize.checked_add(name.checked_next_multiple_of(4)?)?;
        let contents = notes.get(begin..begin.checked_add(len)?)?;
        if kind == NT_GNU_BUILD_ID && notes.get(12..16) == Some(b"GNU\0") {
            return Some(contents);
        }
        notes = notes.get(begin + len.checked_next_multiple_of(4)?..)?;
    }
    None
}

/// Of the file that runs, also once another has its name.
pub(super) fn executable() -> Option<Metadata> {
    fs::metadata("/proc/self/exe").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let note = |kind: u8, name: &[u8], contents: &[u8]| {
            let mut bytes = vec![name.len() as u8, 0, 0, 0, contents.len() as u8, 0, 0, 0, kind, 0, 0, 0];
            for part in [name, contents] {
                bytes.extend(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            if cfg!(target_endian = "big") {
                bytes[..12].chunks_mut(4).for_each(<[u8]>::reverse);
            }
            bytes
        };
        let (other, id) = (note(1, b"GNU\0", b"abcde"), note(3, b"GNU\0", b"0123456789"));
        let both = [other.clone(), id].concat();
        assert_eq!(in_notes(&both), Some(&b"0123456789"[..]));
        assert_eq!(in_notes(&other), None);
        for cut in 0..both.len() - 2 {
            assert_eq!(in_notes(&both[..cut]), None, "cut at {cut}");
        }
    }
}
