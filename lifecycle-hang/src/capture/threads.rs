//! What the kernel tells of this process's threads, read without allocation.

use std::fmt::Write;

use lifecycle_os::procfs::{File, read};
use lifecycle_os::text::Text;

use crate::dump::{Call, Facts, THREADS, Thread};

/// Notes each thread but this one.
pub(crate) fn describe_all(facts: &mut Facts) {
    let own = lifecycle_os::process::thread_id();
    lifecycle_os::threads::for_each(|id| {
        let index = facts.threads as usize;
        facts.all_threads += u32::from(id != own);
        if id != own && index < THREADS {
            describe(id, &mut facts.thread[index]);
            facts.threads += 1;
        }
    });
}

/// Notes how much of the processor each thread has had by now.
pub(crate) fn sample(facts: &mut Facts, which: usize) {
    for thread in &mut facts.thread[..facts.threads as usize] {
        thread.ran[which] = ran(thread.id);
    }
}

/// Name, state, wait channel, system call, time on a processor.
fn describe(id: u32, thread: &mut Thread) {
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
    thread.call = call(id);
}

/// Nanoseconds that a thread has run; 0 if the kernel does not say.
pub(super) fn ran(id: u32) -> u64 {
    let mut buffer = [0; 64];
    let stat = read(format_args!("/proc/self/task/{id}/schedstat"), &mut buffer);
    let first = stat.split(|byte| *byte == b' ').next().unwrap_or_default();
    std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The system call that a thread sleeps in, and where; none, if it runs.
pub(super) fn call(id: u32) -> Call {
    let mut buffer = [0; 512];
    parse_call(read(format_args!("/proc/self/task/{id}/syscall"), &mut buffer)).unwrap_or(Call::NONE)
}

/// `7 0x5581f0 0x1 … sp pc`; `-1 sp pc` for a thread that sleeps without a call; `running` for one that does not.
fn parse_call(line: &[u8]) -> Option<Call> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut rest = words.map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0));
    let args = if number < 0 { [0; 6] } else { std::array::from_fn(|_| rest.next().unwrap_or(0)) };
    let (sp, pc) = (rest.next()?, rest.next()?);
    Some(Call { known: 1, number, args, sp, pc })
}

/// Copies the executable lines of `/proc/self/maps`: the others may be many, and tell nothing of code.
pub(crate) fn executable_mappings(maps: &mut Text<65536>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_call_is_read() {
        let call = parse_call(b"202 0x1 0x80 0x2 0x0 0x0 0x0 0x7ffd10 0x7f01\n").expect("asleep");
        assert_eq!((call.number, call.args[1], call.sp, call.pc), (202, 0x80, 0x7ffd10, 0x7f01));
        let fault = parse_call(b"-1 0x7ffd10 0x7f01\n").expect("asleep");
        assert_eq!((fault.number, fault.sp, fault.pc), (-1, 0x7ffd10, 0x7f01));
        assert!(parse_call(b"running\n").is_none() && parse_call(b"").is_none());
    }
}
