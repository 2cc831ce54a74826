//! From a stack to a diagnosis: why, and whose line it is. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

use lifecycle_os::text::Text;

use super::frame_patterns::{ALLOCATOR, AWAITED, BLOCKED, LIBC_ALLOCATOR, WAITED_FOR_AT_ITSELF};
use crate::dump::{Call, Cause, Finding, Thread};
use crate::symbolize::name::short;
use crate::symbolize::{Author, Frame};

/// A stretch of the processor's time that makes a thread a running one.
const BUSY_SHARE: u64 = 2;

/// `culprit` is the index of the user's frame.
fn finding(cause: Cause, culprit: usize, frames: &[Frame]) -> Finding {
    let function = Text::of(short(frames[culprit].name.as_str()));
    Finding { cause, user: user_hash(frames), function, place: place(&frames[culprit..]), ..Finding::NONE }
}

/// The line of the first of these frames. What a library's macro made stands at a line of the library; where it was used
/// says the next frame of the same function.
fn place(frames: &[Frame]) -> Text<200> {
    let name = |frame: &Frame| Text::<96>::of(short(frame.name.as_str()));
    let theirs = frames.iter().filter(|frame| frame.author == Author::User);
    let mut same = theirs.take_while(|frame| name(frame).as_str() == name(&frames[0]).as_str());
    same.find(|frame| !frame.is_of_macro()).map_or(Text::new(), Frame::place)
}

/// The diagnosis of a thread, from its frames, innermost first. `sampled`: nanoseconds between the samples of its time.
pub(crate) fn thread(frames: &[Frame], facts: &Thread, sampled: u64, guessed: bool) -> Finding {
    let ours = frames.iter().position(|frame| frame.author == Author::Own).unwrap_or(frames.len());
    // A thread that is in our own code works for us, whoever called it.
    let theirs = &frames[..ours];
    let Some(first) = theirs.iter().position(|frame| frame.author == Author::User) else {
        return Finding::NONE;
    };
    let is_busy = facts.ran[1].saturating_sub(facts.ran[0]) * BUSY_SHARE > sampled;
    let is_running = facts.state == b'R' || is_busy;
    // A guessed stack is full of calls to the allocator that have returned.
    let allocation = if guessed { None } else { allocation(theirs, first, is_running) };
    let (culprit, cause) = match allocation {
        Some(Some(caller)) => (caller, Cause::Allocator),
        // It is we who wait for the user's allocator.
        Some(None) => return Finding::NONE,
        None => (first, blocked(&frames[..first], facts, is_running, is_busy)),
    };
    let mut finding = finding(cause, culprit, frames);
    let is_runtime = |frame: &Frame| {
        frame.author == Author::Own || frame.full.as_str().contains("/tokio-") || frame.says("tokio::runtime")
    };
    finding.is_service = frames[culprit..].iter().any(is_runtime);
    if cause == Cause::BlockOn && !finding.is_service {
        // A thread of the user's that drives a runtime of its own, and has nothing to do.
        return Finding::NONE;
    }
    finding.descriptor = descriptor(cause, facts.call);
    let says_which = |frame: &Frame| WAITED_FOR_AT_ITSELF.iter().any(|word| frame.says(word));
    let is_futex = facts.call.known == 1 && facts.call.number == libc::SYS_futex;
    if is_futex && cause.is_blocking_lock() && frames[..culprit].iter().any(says_which) {
        finding.lock = facts.call.args[0];
    }
    finding
}

/// Whether the thread is in the allocator, and then the user's function that asked for memory.
fn allocation(frames: &[Frame], first: usize, is_running: bool) -> Option<Option<usize>> {
    let is_allocator = |frame: &Frame| ALLOCATOR.iter().any(|word| frame.says(word));
    let last = frames.iter().rposition(is_allocator);
    // An allocator of the program's own is user code too, inside of the call.
    let inside = last.filter(|last| *last > first);
    let outside = frames[..first]
        .iter()
        .any(|frame| LIBC_ALLOCATOR.contains(&frame.name.as_str()) || is_allocator(frame));
    let from = match inside {
        Some(last) => last,
        None if outside && !is_running => first,
        None => return None,
    };
    let is_caller = |frame: &Frame| frame.author == Author::User && !is_allocator(frame);
    Some(frames[from..].iter().position(is_caller).map(|caller| from + caller))
}

fn blocked(called: &[Frame], facts: &Thread, is_running: bool, is_busy: bool) -> Cause {
    let said = |words: &[&str]| called.iter().any(|frame| words.iter().any(|word| frame.says(word)));
    let by_name = BLOCKED.into_iter().find(|(_, words)| said(words)).map(|(cause, _)| cause);
    match by_name {
        // Whoever spins in one of them is not waiting for it: a lock that is taken over and over.
        Some(Cause::Drop) | None if is_running && !in_system_call(facts.call) => {
            by_name.unwrap_or(Cause::Spin)
        }
        Some(Cause::Drop) | None => by_system_call(facts),
        // It asks again and again, and has most of a processor for it.
        Some(_) if is_busy && !in_system_call(facts.call) => Cause::Spin,
        Some(cause) => cause,
    }
}

fn in_system_call(call: Call) -> bool {
    call.known == 1 && call.number >= 0
}

fn by_system_call(facts: &Thread) -> Cause {
    let call = facts.call;
    if !in_system_call(call) {
        return if facts.state == b'D' { Cause::Disk } else { Cause::Unknown };
    }
    match call.number {
        libc::SYS_read | libc::SYS_readv | libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_pread64 => {
            Cause::Read
        }
        libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_pwrite64 => {
            Cause::Write
        }
        libc::SYS_connect => Cause::Connect,
        libc::SYS_accept | libc::SYS_accept4 => Cause::Accept,
        libc::SYS_openat => Cause::Open,
        libc::SYS_ppoll | libc::SYS_pselect6 | libc::SYS_epoll_pwait => Cause::Poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll | libc::SYS_select | libc::SYS_epoll_wait => Cause::Poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => Cause::Open,
        libc::SYS_wait4 | libc::SYS_waitid => Cause::Child,
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep => Cause::Sleep,
        libc::SYS_fsync | libc::SYS_fdatasync => Cause::Sync,
        libc::SYS_flock => Cause::FileLock,
        libc::SYS_futex => Cause::Futex,
        _ if facts.state == b'D' => Cause::Disk,
        _ => Cause::Call,
    }
}

fn descriptor(cause: Cause, call: Call) -> i32 {
    let has_one = matches!(
        cause,
        Cause::Read | Cause::Write | Cause::Connect | Cause::Accept | Cause::Sync | Cause::FileLock
    );
    if has_one { i32::try_from(call.args[0]).unwrap_or(-1) } else { -1 }
}

/// The diagnosis of a chain of awaits, and the part of its frames that is the task's own.
pub(crate) fn awaiting(frames: &[Frame]) -> (Finding, &[Frame]) {
    // Inside of the leaf lie our own clone of the waker and what it notes; outside of the task our own poll. In between
    // there may be futures of ours that the user awaits.
    let start = frames.iter().position(|frame| frame.author != Author::Own).unwrap_or(frames.len());
    let frames = &frames[start..];
    let traced = frames.iter().position(|frame| frame.author == Author::Own && frame.says("trace_poll"));
    let is_own = |frame: &Frame| frame.author == Author::Own;
    let inside = &frames[..traced.unwrap_or(frames.len())];
    let last = inside.iter().rposition(|frame| frame.author == Author::User).map(|last| last + 1);
    let frames = &frames[..last.or_else(|| inside.iter().position(is_own)).unwrap_or(inside.len())];
    let first = frames.iter().position(|frame| frame.author == Author::User);
    let leaf = &frames[..first.unwrap_or(frames.len())];
    let said = |words: &[&str]| leaf.iter().any(|frame| words.iter().any(|word| frame.says(word)));
    let cause = AWAITED.into_iter().find(|(_, words)| said(words)).map_or(Cause::Other, |(cause, _)| cause);
    // A channel's messages are waited for in the channel, room for one in its semaphore.
    let cause = if cause == Cause::Message && said(&["batch_semaphore"]) { Cause::Room } else { cause };
    let cause = if leaf.iter().any(is_own) { Cause::Shutdown } else { cause };
    let finding = match first {
        Some(first) => finding(cause, first, frames),
        None => Finding { cause, ..Finding::NONE },
    };
    (finding, frames)
}

fn user_hash(frames: &[Frame]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for frame in frames.iter().filter(|frame| frame.author == Author::User) {
        (frame.name.as_str(), frame.line).hash(&mut hasher);
    }
    // 0 stands for: not known.
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Author = Author::User;
    const SAMPLED: u64 = 20_000_000;

    fn frames(frames: &[(&str, Author)]) -> Vec<Frame> {
        let frame = |(name, author): &(&str, Author)| Frame {
            name: Text::of(name),
            full: Text::new(),
            file: Text::new(),
            line: 1,
            author: *author,
        };
        frames.iter().map(frame).collect()
    }

    /// A thread in a system call, or one that has had the processor all the time.
    fn thread_in(call: Option<i64>) -> Thread {
        // SAFETY: zeroed memory is a valid one, as `Facts` says.
        let mut thread = unsafe { std::mem::MaybeUninit::<Thread>::zeroed().assume_init() };
        thread.state = if call.is_some() { b'S' } else { b'R' };
        thread.ran = [0, if call.is_some() { 0 } else { SAMPLED }];
        thread.call = Call { known: 1, number: call.unwrap_or(-1), args: [0x7000; 6], sp: 1, pc: 1 };
        if call.is_none() {
            thread.call = Call::NONE;
        }
        thread
    }

    #[test]
    fn what_a_thread_waits_for_is_named_by_what_it_called() {
        let futex = Some(libc::SYS_futex);
        for (called, call, expected, has_lock) in [
            (
                &["syscall", "std::sys::sync::mutex::futex::Mutex::lock_contended"][..],
                futex,
                Cause::Mutex,
                true,
            ),
            // It waits at a word of the thread's: that says nothing of which lock it is.
            (&["syscall", "parking_lot::raw_mutex::RawMutex::lock_slow"], futex, Cause::Mutex, false),
            (&["syscall", "std::sync::mpmc::list::Channel::recv"], futex, Cause::Channel, false),
            (&["std::sync::mpmc::list::Channel::try_recv"], None, Cause::Spin, false),
            (&["syscall", "std::sync::barrier::Barrier::wait"], futex, Cause::Rendezvous, false),
            (&[], None, Cause::Spin, false),
        ] {
            let library = called.iter().map(|name| (*name, Author::Library));
            let frames = frames(&library.chain([("bank::debit", USER)]).collect::<Vec<_>>());
            let finding = thread(&frames, &thread_in(call), SAMPLED, false);
            assert_eq!((finding.cause, finding.lock != 0), (expected, has_lock), "{called:?}");
            assert_eq!(finding.function.as_str(), "debit");
        }
    }

    #[test]
    fn what_a_macro_of_a_library_made_has_the_line_that_used_it_or_none() {
        let at = |name: &str, full: &str, file: &str, line| Frame {
            full: Text::of(full),
            file: Text::of(file),
            line,
            ..frames(&[(name, USER)])[0]
        };
        let select = "/home/me/.cargo/registry/src/index/tokio-1.54.1/src/macros/select.rs";
        let made = at(
            "app::Feed::follow::{{closure}}::{{closure}}",
            select,
            "tokio-1.54.1/src/macros/select.rs",
            710,
        );
        let used = at("app::Feed::follow::{{closure}}", "/home/me/app/src/feed.rs", "src/feed.rs", 12);
        let caller = at("app::main", "/home/me/app/src/main.rs", "src/main.rs", 3);
        for (frames, expected) in [
            (vec![made, used, caller], "src/feed.rs:12"),
            (vec![made, caller], ""),
            (vec![used, caller], "src/feed.rs:12"),
            (vec![made], ""),
        ] {
            let found = finding(Cause::Message, 0, &frames);
            assert_eq!((found.function.as_str(), found.place.as_str()), ("Feed::follow", expected));
        }
    }

    #[test]
    fn a_future_of_ours_on_the_way_does_not_cut_the_chain() {
        let clone = ("lifecycle_hang::capture::awaits::clone", Author::Own);
        let traced = ("lifecycle_hang::capture::awaits::trace_poll", Author::Own);
        let (stopping, leaf) = (
            ("lifecycle_core::supervisor::functions::stopping", Author::Own),
            ("tokio::sync::notify::poll", Author::Library),
        );
        let chain = frames(&[clone, leaf, stopping, ("app::main", USER), traced, ("app::outside", USER)]);
        let (finding, chain) = awaiting(&chain);
        assert_eq!((finding.cause, finding.function.as_str()), (Cause::Shutdown, "main"));
        assert_eq!(chain.len(), 3);
        let work = frames(&[clone, leaf, ("app::main", USER), traced]);
        let (finding, _) = awaiting(&work);
        assert_eq!((finding.cause, finding.function.as_str()), (Cause::Notify, "main"));
    }
}
