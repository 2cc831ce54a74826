//! The SUSPECT lines: who most likely holds everything up, in one sentence each. Pure.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::dump::{Cause, Facts, Finding, Task, Thread};

/// Milliseconds that are too short to tell slow from stuck.
const SOON: u64 = 100;

/// A poll that holds up others, whoever asks.
const LONG_POLL: Duration = Duration::from_secs(1);

/// More of them would bury the first.
const MOST: usize = 16;

/// Writes them. Returns what is known of the first.
pub(crate) fn write(facts: &Facts, out: &mut dyn Write) -> Option<Finding> {
    let all = &facts.thread[..facts.threads as usize];
    let is_first = |thread: &Thread| is_culprit(thread, facts);
    let others = all.iter().any(is_first) || !facts.crumb.is_empty();
    // A thread of the user's own may wait for work as long as it likes, unless nobody else is to blame.
    let is_suspect = |thread: &&Thread| {
        let may_be = if facts.goes_on == 1 { is_held_up(thread, facts) } else { is_first(thread) || !others };
        thread.finding.cause != Cause::Idle && may_be
    };
    let (mut said, mut first) = (0, None);
    // Those whom the report is about come first.
    for about in [true, false] {
        for (index, thread) in all.iter().enumerate().filter(|(_, thread)| is_suspect(thread)) {
            let is_alike = |other: &&Thread| other.finding.stack == thread.finding.stack;
            let alike = |other: &&Thread| is_alike(other) && is_suspect(other);
            let is_new = !all[..index].iter().any(|other| alike(&other));
            if (thread.id == facts.about) == about && is_new && said < MOST {
                said += 1;
                first = first.or(Some(thread.finding));
                suspect(all.iter().filter(alike), thread, facts, out);
            }
        }
    }
    locks(all, out);
    let is_said = |id: u32| all.iter().any(|thread| thread.id == id && is_suspect(&thread));
    let said = said + stuck_tasks(facts, is_said, out);
    first.or(waiting_tasks(facts, said, out))
}

/// Whether it is one of those who hold things up, most likely. Where it is known who does, others are but for locks: one
/// that does the same for a moment is none.
fn is_culprit(thread: &Thread, facts: &Facts) -> bool {
    let is_known =
        facts.threads().iter().any(|other| other.id == facts.about && other.finding.cause != Cause::Idle);
    match thread.finding.cause {
        _ if thread.id == facts.about => true,
        cause if is_known => cause.is_blocking_lock() || cause == Cause::Allocator,
        Cause::Spin if was_at_rest(thread, facts) => false,
        cause => thread.finding.is_service || weight(cause) > 1,
    }
}

/// It runs now, but has hardly run since half-time: whatever it does, such as writing a line of the log, is no loop.
fn was_at_rest(thread: &Thread, facts: &Facts) -> bool {
    let [_, ran] = thread.half;
    let used = thread.ran[1].saturating_sub(ran) / 1_000_000;
    facts.since_half >= SOON && ran != 0 && used < facts.since_half / 20
}

/// Nobody said that something is wrong: then whoever works, sleeps or waits for work is no suspect.
fn is_held_up(thread: &Thread, facts: &Facts) -> bool {
    let stands_still = thread.ran[0] == thread.ran[1];
    // A thread of the program's own may wait at a lock for work: who has work for it waits in there.
    let is_locked = thread.finding.is_service && thread.finding.cause.is_blocking_lock();
    let waits = is_locked || thread.finding.cause == Cause::Allocator;
    // One that was never polled has a thread of its own, which may block.
    let is_long = |task: &Task| task.polls > 0 && task.age.0 >= Some(LONG_POLL);
    let polls_long = |task: &Task| task.thread == thread.id && is_long(task);
    (waits && stands_still) || facts.tasks().iter().any(polls_long)
}

fn weight(cause: Cause) -> u32 {
    match cause {
        Cause::Idle => 0,
        _ if cause.is_blocking_lock() => 2,
        Cause::Allocator | Cause::Spin | Cause::Drop => 2,
        _ => 1,
    }
}

fn suspect<'a>(alike: impl Iterator<Item = &'a Thread>, thread: &Thread, facts: &Facts, out: &mut dyn Write) {
    let count = alike.count();
    let _ = match count {
        1 => write!(out, "SUSPECT thread {} `{}`", thread.id, thread.name.as_str()),
        _ => write!(out, "SUSPECT {count} threads `{}`", thread.name.as_str()),
    };
    let polled = facts.task[..facts.tasks as usize].iter().find(|task| task.thread == thread.id);
    if let Some(task) = polled {
        let _ = write!(out, " in task `{}`", task.name.as_str());
    }
    let _ = write!(out, ": {}", At(&thread.finding));
    half_time(thread, facts, out);
    let _ = writeln!(out);
}

/// What half-time has to say about it.
fn half_time(thread: &Thread, facts: &Facts, out: &mut dyn Write) {
    let [user, ran] = thread.half;
    // Both are 0 for a thread that is younger; of a sample that was not printed, the user's frames are not known.
    if facts.since_half < SOON || (user, ran) == (0, 0) {
        return;
    }
    let seconds = facts.since_half as f64 / 1e3;
    if thread.finding.cause == Cause::Spin {
        let used = thread.ran[1].saturating_sub(ran) as f64 / 1e9;
        let _ = write!(out, "; used {used:.1} s of CPU in the {seconds:.1} s since half-time");
    } else if user == thread.finding.user || thread.same_walk == 1 {
        let question = if thread.finding.cause.may_be_deadlock() { " (deadlock?)" } else { "" };
        let _ = write!(out, "; same stack as at half-time{question}");
    } else if user != 0 {
        let _ = write!(out, "; another stack than at half-time (slow)");
    }
}

/// What the addresses of locks say: who waits for the same one, and whether several are in play.
fn locks(all: &[Thread], out: &mut dyn Write) {
    let waiting = |thread: &&Thread| thread.finding.lock != 0;
    for (index, thread) in all.iter().enumerate().filter(|(_, thread)| waiting(thread)) {
        let same = |other: &&Thread| is_same_lock(thread, other);
        let count = all.iter().filter(same).count();
        if count > 1 && !all[..index].iter().any(|other| same(&other)) {
            let _ = writeln!(out, "  {count} threads wait for one lock, at {:#x}", thread.finding.lock);
        }
    }
    let mut waiting = all.iter().filter(waiting);
    let Some(one) = waiting.next() else { return };
    if let Some(other) = waiting.find(|other| !is_same_lock(one, other)) {
        let _ = writeln!(
            out,
            "  threads {} and {} wait for different locks: a cycle, if each holds the other's",
            one.id, other.id
        );
    }
}

/// Readers and writers of one RwLock wait at two words of it that lie side by side.
fn is_same_lock(one: &Thread, other: &Thread) -> bool {
    let both_rwlock = one.finding.cause == Cause::RwLock && other.finding.cause == Cause::RwLock;
    let distance = one.finding.lock.abs_diff(other.finding.lock);
    distance == 0 || (both_rwlock && distance == size_of::<u32>() as u64)
}

/// Tasks in one poll for as long as the report is about, on a thread that is not said to be a suspect.
fn stuck_tasks(facts: &Facts, is_said: impl Fn(u32) -> bool, out: &mut dyn Write) -> usize {
    let is_unknown = |task: &&Task| !is_said(task.thread);
    let is_stuck = |task: &&Task| {
        let age = task.age.0.map_or(0, lifecycle_os::clock::millis);
        task.thread != 0 && facts.longest_poll > 0 && age >= facts.longest_poll
    };
    let stuck = facts.tasks().iter().filter(is_stuck).filter(is_unknown).take(MOST);
    stuck
        .map(|task| {
            let _ = writeln!(
                out,
                "SUSPECT task `{}`: in one poll on thread {} for {}",
                task.name, task.thread, task.age
            );
        })
        .count()
}

/// Tasks that are not in a poll: where the stale heartbeat left its breadcrumb, in a lock, or all that there are.
fn waiting_tasks(facts: &Facts, said: usize, out: &mut dyn Write) -> Option<Finding> {
    // Nobody said that something is wrong: whoever waits for a turn will get it, as far as is known.
    let tasks = if facts.goes_on == 1 { &[] } else { facts.tasks() };
    let crumb = facts.crumb.as_str();
    // Of several that wait there, the one that the report is about, if that is known.
    let found = tasks.iter().find(|task| task.about == 1 && task.finding.is_at_crumb);
    // One that beats by hand leaves no crumb.
    let is_beater = |task: &Task| crumb.is_empty() && task.about == 1;
    let is_at_crumb = |task: &Task| task.finding.is_at_crumb && (task.about == 1 || found.is_none());
    let at_crumb = |task: &&Task| is_at_crumb(task) || is_beater(task);
    // Who waits for a lock or for room is held up by that one, unless it waits for a lock itself.
    let are_victims = found.is_some_and(|task| !task.finding.cause.is_lock());
    let in_lock = |task: &&Task| task.finding.cause.is_lock() && !at_crumb(task) && !are_victims;
    let (mut count, mut first) = (0, None);
    let known = || tasks.iter().filter(is_known);
    for task in known().filter(at_crumb).chain(known().filter(in_lock)).take(MOST) {
        count += 1;
        first = first.or(Some(task.finding));
        line(task, out);
    }
    let locked = tasks.iter().filter(is_known).filter(|task| task.finding.cause.is_lock()).count();
    if locked > 1 {
        let _ = writeln!(out, "  {locked} tasks wait for locks: a cycle, if they hold each other's");
    }
    // Beside somebody who is known to hold things up, the await may have returned long ago.
    if !crumb.is_empty() && said == 0 && !tasks.iter().filter(is_known).any(|task| at_crumb(&task)) {
        let _ = writeln!(out, "SUSPECT {}: at the await at {crumb}", facts.crumb_of);
        count += 1;
    }
    if said + count == 0 { anybody(tasks, out) } else { first }
}

/// Whether it is not in a poll, and known where it waits.
fn is_known(task: &&Task) -> bool {
    task.thread == 0 && !task.finding.function.is_empty()
}

/// Nobody is known to hold things up: all that may.
fn anybody(tasks: &[Task], out: &mut dyn Write) -> Option<Finding> {
    let may_be = |task: &&Task| task.about == 1 || !task.finding.cause.is_by_design();
    let suspects = || tasks.iter().filter(is_known).filter(may_be).take(MOST);
    suspects().for_each(|task| line(task, out));
    if !tasks.iter().any(|task| is_known(&task)) {
        let idle = tasks.iter().filter(|task| task.thread == 0).take(MOST);
        idle.for_each(|task| unknown(task, out));
    }
    suspects().next().map(|task| task.finding)
}

/// A leaf that registers no waker leaves no trace, such as `pending()`.
fn unknown(task: &Task, out: &mut dyn Write) {
    let _ = writeln!(
        out,
        "SUSPECT task `{}`: awaiting what asks nobody to wake it; last polled {} ago",
        task.name.as_str(),
        task.age
    );
}

fn line(task: &Task, out: &mut dyn Write) {
    let _ = writeln!(out, "SUSPECT task `{}`: {}", task.name.as_str(), At(&task.finding));
}

/// `blocked on a Mutex in debit_account at src/bank.rs:7`.
pub(crate) struct At<'a>(pub(crate) &'a Finding);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let At(finding) = self;
        write!(f, "{}", finding.cause)?;
        if !finding.object.is_empty() {
            write!(f, " {} {}", finding.cause.preposition(), finding.object.as_str())?;
        }
        if !finding.function.is_empty() {
            write!(f, " in {}", finding.function.as_str())?;
        }
        if !finding.place.is_empty() {
            write!(f, " at {}", finding.place.as_str())?;
        }
        Ok(())
    }
}

/// Names of threads, each with its number.
pub(crate) fn names<'a>(threads: &(impl Iterator<Item = &'a Thread> + Clone), out: &mut dyn Write) {
    let mut separator = "";
    for (index, thread) in threads.clone().enumerate() {
        let name = thread.name.as_str();
        if !threads.clone().take(index).any(|other| other.name.as_str() == name) {
            let count = threads.clone().filter(|other| other.name.as_str() == name).count();
            let times = if count > 1 { format_args!(" ×{count}") } else { format_args!("") };
            let _ = write!(out, "{separator} {name}{times}");
            separator = ",";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(cause: Cause, lock: u64) -> Thread {
        // SAFETY: zeroed memory is a valid one, as `dump/facts.rs` says.
        let mut thread = unsafe { std::mem::MaybeUninit::<Thread>::zeroed().assume_init() };
        thread.finding = Finding { cause, lock, ..Finding::NONE };
        thread
    }

    #[test]
    fn a_reader_and_a_writer_wait_for_one_lock() {
        let text = |threads: &[Thread]| {
            let mut text = String::new();
            locks(threads, &mut text);
            text
        };
        let (reader, writer) = (waiting(Cause::RwLock, 0x1000), waiting(Cause::RwLock, 0x1004));
        let one = text(&[reader, writer]);
        assert!(one.contains("2 threads wait for one lock") && !one.contains("cycle"), "{one}");
        let (first, second) = (waiting(Cause::Mutex, 0x1000), waiting(Cause::Mutex, 0x1004));
        let two = text(&[first, second]);
        assert!(two.contains("different locks: a cycle") && !two.contains("one lock"), "{two}");
        assert!(text(&[waiting(Cause::Mutex, 0), waiting(Cause::Mutex, 0)]).is_empty());
    }
}
