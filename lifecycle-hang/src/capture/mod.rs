//! Stacks of other threads. One that sleeps in the kernel is read from outside; one that runs is sent a signal, and its
//! handler walks its own. Nothing is installed before a report is made.
//!
//! | file | what it holds |
//! |---|---|
//! | `threads` | what the kernel says of each thread |
//! | `outside`, `stack_memory` | the stack of a thread that sleeps |
//! | `signal`, `handler`, `walk`, `scan` | the signal, what its handler does, and the two ways to read a stack |
//! | `fault` | a walk over a broken stack |
//! | `permit` | who may write into the dump, and until when |
//! | `awaits` | what tasks wait for |
//! | `half_time` | what is kept from half-time to the end |

pub(crate) mod awaits;
mod fault;
pub(crate) mod half_time;
mod handler;
#[cfg(target_arch = "x86_64")]
mod outside;
pub(crate) mod permit;
mod scan;
mod signal;
#[cfg(target_arch = "x86_64")]
mod stack_memory;
pub(crate) mod threads;
mod walk;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::dump::{Facts, THREADS, Thread, Walks};
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
pub(crate) fn capture(facts: &mut Facts, walks: &'static Walks, table: usize, generation: u32) -> bool {
    scan::learn(facts.maps.as_str());
    walk_sleepers(facts, walks);
    // A debugger would stop at each signal.
    if lifecycle_os::process::is_debugged() {
        return true;
    }
    let Some(signal) = Signal::install(table) else { return true };
    let faults = Faults::install();
    let threads = facts.threads();
    let asked = ask(&signal, threads, walks, table, generation);
    let is_done = |index: usize| !asked[index] || PERMITS[table].threads[index].is_done(generation);
    let end = Instant::now() + ANSWER_TIMEOUT;
    while !(0..threads.len()).all(is_done) && Instant::now() < end {
        std::thread::sleep(POLL_INTERVAL);
    }
    let all_closed = close(threads, &asked, walks, table, generation);
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

/// Sends the signal to each thread whose stack is not known yet; returns which these are.
fn ask(signal: &Signal, threads: &[Thread], walks: &Walks, table: usize, generation: u32) -> [bool; THREADS] {
    let mut asked = [false; THREADS];
    for (index, thread) in threads.iter().enumerate() {
        let walk = &walks.threads[index];
        let is_known = walk.len.load(Relaxed) > 0;
        let is_whole = is_known && walk.fault.load(Relaxed) == 0 && !walk.is_guessed();
        // What a system call of it returns does not matter any more to a process that ends.
        asked[index] = !is_whole && (!is_known || table == FATAL) && signal.reaches(thread.id);
        if asked[index] {
            walk.clear();
            PERMITS[table].open(index, generation, thread.id);
            signal.send(thread.id, Address { table, generation, index });
        }
    }
    asked
}

/// Those that run are left out.
#[cfg(target_arch = "x86_64")]
fn walk_sleepers(facts: &mut Facts, walks: &Walks) {
    let Facts { maps, thread, threads, .. } = facts;
    let mut outside = outside::Outside::new(maps.as_str());
    for (thread, walk) in thread[..*threads as usize].iter_mut().zip(&walks.threads) {
        match outside.walk(thread, walk) {
            outside::Extent::Whole | outside::Extent::Awake => {}
            outside::Extent::Part => walk.fault.store(2, Relaxed),
            outside::Extent::Guess => walk.guessed.store(1, Relaxed),
        }
    }
}

/// There every thread is sent the signal.
#[cfg(not(target_arch = "x86_64"))]
fn walk_sleepers(_: &mut Facts, _: &Walks) {}

/// Takes the permits back; returns whether nobody writes any more. Who has not answered is where the kernel says.
fn close(threads: &[Thread], asked: &[bool], walks: &Walks, table: usize, generation: u32) -> bool {
    let mut all_closed = true;
    for (index, thread) in threads.iter().enumerate().filter(|(index, _)| asked[*index]) {
        let walk = &walks.threads[index];
        all_closed &= PERMITS[table].threads[index].close(generation);
        if walk.len.load(Relaxed) == 0 && thread.call.pc != 0 {
            walk.store(thread.call.pc);
        }
    }
    all_closed
}
