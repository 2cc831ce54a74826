//! Stacks of other threads: each is sent a signal, and its handler walks its own. Nothing is installed before a report
//! is made.
//!
//! | file | what it holds |
//! |---|---|
//! | `threads` | what the kernel says of each thread |
//! | `signal`, `handler`, `walk`, `scan` | the signal, what its handler does, and the two ways to read a stack |
//! | `fault` | a walk over a broken stack |
//! | `permit` | who may write into the dump, and until when |
//! | `awaits` | what tasks wait for |
//! | `half_time` | what is kept from half-time to the end |

pub(crate) mod awaits;
mod fault;
pub(crate) mod half_time;
mod handler;
pub(crate) mod permit;
mod scan;
mod signal;
pub(crate) mod threads;
mod walk;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::dump::{Facts, Thread, Walks};
use fault::Faults;
use permit::{Address, FATAL, PERMITS};
use signal::Signal;

/// How long a thread may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// Has the unwinder do what it does at its first use before anything hangs.
pub(crate) fn prepare() {
    walk::walk(|_, _| false);
}

/// Fills in the stacks of the threads of `facts`; `walks` is its dump's. Returns whether nobody writes any more.
pub(crate) fn capture(facts: &Facts, walks: &'static Walks, table: usize, generation: u32) -> bool {
    let Some(signal) = Signal::install(table) else { return true };
    let faults = Faults::install();
    scan::learn(facts.maps.as_str());
    let threads = facts.threads();
    for (index, thread) in threads.iter().enumerate() {
        PERMITS[table].open(index, generation, thread.id);
        signal.send(thread.id, Address { table, generation, index });
    }
    let is_done = |index: usize| PERMITS[table].threads[index].is_done(generation);
    let end = Instant::now() + ANSWER_TIMEOUT;
    while !(0..threads.len()).all(is_done) && Instant::now() < end {
        std::thread::sleep(POLL_INTERVAL);
    }
    let all_closed = close(threads, walks, table, generation);
    if table != FATAL {
        faults.restore();
        // A signal that is still pending would kill the process under its default disposition.
        // A thread that ended meanwhile has nothing pending.
        let is_gone = |thread: &Thread| !lifecycle_os::threads::exists(thread.id);
        if threads.iter().enumerate().all(|(index, thread)| is_done(index) || is_gone(thread)) {
            signal.restore();
        }
    }
    all_closed
}

/// Takes the permits back; returns whether nobody writes any more. Who has not answered is where the kernel says.
fn close(threads: &[Thread], walks: &Walks, table: usize, generation: u32) -> bool {
    let mut all_closed = true;
    for (index, thread) in threads.iter().enumerate() {
        let walk = &walks.threads[index];
        all_closed &= PERMITS[table].threads[index].close(generation);
        if walk.len.load(Relaxed) == 0 && thread.call.pc != 0 {
            walk.store(thread.call.pc);
        }
    }
    all_closed
}
