//! The file and its mapping.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64, fence};

use super::entry::{Entry, HEAD, PAGE, SLOT, slot};

const BYTES: usize = PAGE * 8;

/// Where the page is mapped, for the handler of SIGBUS.
static MAPPED: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

pub(super) struct Page {
    words: &'static [AtomicU64; PAGE],
    next: AtomicU64,
    /// Locked as long as it is open: another process of the ledger must not record into it, too.
    _file: File,
}

impl Page {
    /// Made, or emptied. Its block is allocated here, so that a full disk is noticed now. Never unmapped.
    pub(super) fn open(path: &Path) -> io::Result<Page> {
        let file = options().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock()?;
        let mut page = vec![0; BYTES];
        if !is_ours(&file)? || is_remote(&file) {
            return Err(io::Error::other("not a file of ours on a disk of this machine"));
        }
        for (bytes, word) in page.chunks_mut(8).zip(HEAD) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        file.set_len(BYTES as u64)?;
        file.write_all_at(&page, 0)?;
        let (access, descriptor) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
        // SAFETY: a new mapping of a file that is open, at an address of the kernel's choice.
        let mapped =
            unsafe { libc::mmap(std::ptr::null_mut(), BYTES, access, libc::MAP_SHARED, descriptor, 0) };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Not read from the disk again while memory is scarce. A limit may forbid it.
        // SAFETY: mapped above.
        unsafe { libc::mlock(mapped, BYTES) };
        MAPPED.store(mapped.cast(), Release);
        // SAFETY: as long and aligned as a page, never unmapped; the words are only accessed as atomics.
        let words = unsafe { &*mapped.cast::<[AtomicU64; PAGE]>() };
        Ok(Page { words, next: AtomicU64::new(1), _file: file })
    }

    /// One thread stores. The process may be killed between any two stores.
    pub(super) fn store(&self, entry: &Entry) {
        let number = self.next.fetch_add(1, Relaxed);
        let (at, words) = slot(number, entry);
        for (place, word) in self.words[at..at + SLOT].iter().zip(words) {
            place.store(word, Relaxed);
        }
        fence(Release);
    }
}

/// For the handler of SIGBUS: somebody has cut the file, or its disk is gone. Memory of nobody takes the page's place, and the
/// store that failed is made again. Async-signal-safe.
pub(crate) fn recover(address: *const libc::c_void) -> bool {
    let page = MAPPED.load(Relaxed);
    let begin = page as usize;
    if page.is_null() || !(begin..begin + BYTES).contains(&(address as usize)) {
        return false;
    }
    let (access, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: replaces our own mapping, and nothing else.
    unsafe { libc::mmap(page.cast(), BYTES, access, flags, -1, 0) != libc::MAP_FAILED }
}

/// All of a file that is as long as ours.
pub(super) fn bytes(path: &Path) -> Option<Vec<u8>> {
    let file = options().read(true).open(path).ok()?;
    let mut bytes = Vec::new();
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    file.take(BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() == BYTES).then_some(bytes)
}

/// New, or begun by one of us: nobody else's file is written to.
fn is_ours(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let mut magic = [0; 8];
    let len = file.read_at(&mut magic, 0)?;
    Ok(metadata.is_file() && (metadata.len() == 0 || (len == 8 && magic == HEAD[0].to_le_bytes())))
}

/// No link is followed, and what took the place of a plain file blocks nobody.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// On a file system whose server may be away a store could block the watchdog: NFS, SMB, Ceph, FUSE.
#[cfg(target_os = "linux")]
fn is_remote(file: &File) -> bool {
    const REMOTE: [u64; 6] = [0x6969, 0x517b, 0xfe53_4d42, 0xff53_4d42, 0x00c3_6400, 0x6573_5546];
    // SAFETY: a structure of numbers.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: an open file, and a place for the answer.
    let asked = unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut about) };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "its type differs between targets")]
    let kind = about.f_type as u64 & 0xffff_ffff;
    asked != 0 || REMOTE.contains(&kind)
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &File) -> bool {
    false
}
