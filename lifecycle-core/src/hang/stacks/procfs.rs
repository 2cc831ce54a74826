//! What the kernel tells of this process's threads, read without allocation.

use std::ffi::c_int;
use std::fmt::{self, Write};

use super::dump::{Call, Thread};
use crate::os::text::Text;

/// Reads the begin of a file into `buffer`.
pub(super) fn read<'a>(path: fmt::Arguments<'_>, buffer: &'a mut [u8]) -> &'a [u8] {
    let mut len = 0;
    if let Some(file) = File::open(path, libc::O_RDONLY) {
        while len < buffer.len() {
            match file.read(&mut buffer[len..]) {
                0 => break,
                more => len += more,
            }
        }
    }
    &buffer[..len]
}

/// A descriptor that is closed in the end.
pub(super) struct File(pub(super) c_int);

impl File {
    /// `path` of at most 200 bytes.
    pub(super) fn open(path: fmt::Arguments<'_>, flags: c_int) -> Option<File> {
        let mut text = Text::<256>::new();
        // Never fails; the zero ends it for the kernel.
        let _ = write!(text, "{path}\0");
        // SAFETY: a text that ends with a zero.
        let descriptor = unsafe { libc::open(text.as_str().as_ptr().cast(), flags | libc::O_CLOEXEC, 0o600) };
        (descriptor >= 0).then_some(File(descriptor))
    }

    /// 0 at the end, and after an error.
    pub(super) fn read(&self, buffer: &mut [u8]) -> usize {
        // SAFETY: as many writable bytes as are said.
        let read = unsafe { libc::read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
        usize::try_from(read).unwrap_or(0)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: ours, and used no more.
        unsafe { libc::close(self.0) };
    }
}

/// Calls `f` with the number of each thread of this process.
pub(super) fn for_each_thread(mut f: impl FnMut(u32)) {
    /// Offsets in the kernel's `linux_dirent64`.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let Some(folder) = File::open(format_args!("/proc/self/task"), libc::O_RDONLY | libc::O_DIRECTORY) else {
        return;
    };
    let mut buffer = [0_u64; 512];
    loop {
        // SAFETY: as many writable bytes as are said, aligned as the kernel's records are.
        let read = unsafe {
            libc::syscall(libc::SYS_getdents64, folder.0, buffer.as_mut_ptr(), size_of_val(&buffer))
        };
        let Some(read) = usize::try_from(read).ok().filter(|read| *read > 0) else { return };
        // SAFETY: the bytes of an array of integers.
        let mut records = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), read) };
        while records.len() > NAME {
            let length = usize::from(u16::from_ne_bytes([records[LENGTH], records[LENGTH + 1]]));
            let name = records[NAME..].split(|byte| *byte == 0).next().unwrap_or_default();
            number(name).into_iter().for_each(&mut f);
            records = records.get(length.max(1)..).unwrap_or_default();
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub(super) fn thread_exists(id: u32) -> bool {
    File::open(format_args!("/proc/self/task/{id}/stat"), libc::O_RDONLY).is_some()
}

/// Name, state, wait channel, system call, time on a processor.
pub(super) fn describe(id: u32, thread: &mut Thread) {
    let mut buffer = [0; 512];
    thread.id = id;
    let stat = read(format_args!("/proc/self/task/{id}/stat"), &mut buffer);
    if let (Some(open), Some(close)) =
        (stat.iter().position(|b| *b == b'('), stat.iter().rposition(|b| *b == b')'))
    {
        thread.name = Text::of(std::str::from_utf8(&stat[open + 1..close]).unwrap_or("?"));
        thread.state = stat.get(close + 2).copied().unwrap_or(b'?');
    }
    let wait = read(format_args!("/proc/self/task/{id}/wchan"), &mut buffer);
    thread.wait = Text::of(std::str::from_utf8(wait).unwrap_or_default());
    thread.call = call(read(format_args!("/proc/self/task/{id}/syscall"), &mut buffer)).unwrap_or(Call::NONE);
}

/// Nanoseconds that a thread has run; 0 if the kernel does not say.
pub(super) fn ran(id: u32) -> u64 {
    let mut buffer = [0; 64];
    let stat = read(format_args!("/proc/self/task/{id}/schedstat"), &mut buffer);
    let first = stat.split(|byte| *byte == b' ').next().unwrap_or_default();
    std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

impl Call {
    pub(super) const NONE: Call = Call { known: 0, number: -1, args: [0; 6], pc: 0 };
}

/// `7 0x5581f0 0x1 … sp pc`; `running` for a thread that is not in the kernel.
fn call(line: &[u8]) -> Option<Call> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut rest = words.map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0));
    let args = std::array::from_fn(|_| rest.next().unwrap_or(0));
    let (_sp, pc) = (rest.next(), rest.next().unwrap_or(0));
    Some(Call { known: 1, number, args, pc })
}

/// Copies the executable lines of `/proc/self/maps`: the others may be many, and tell nothing of code.
pub(super) fn executable_mappings(maps: &mut Text<65536>) {
    let Some(file) = File::open(format_args!("/proc/self/maps"), libc::O_RDONLY) else { return };
    let (mut buffer, mut kept) = ([0; 8192], 0);
    loop {
        let read = file.read(&mut buffer[kept..]);
        let filled = kept + read;
        let mut rest = &buffer[..filled];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            if line.split(' ').nth(1).is_some_and(|access| access.as_bytes().get(2) == Some(&b'x')) {
                let _ = writeln!(maps, "{line}");
            }
            rest = &rest[end + 1..];
        }
        kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        if read == 0 || kept == buffer.len() {
            return;
        }
    }
}
