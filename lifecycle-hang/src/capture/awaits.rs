//! What a task waits for: at its next poll the leaf that asks to be woken stands on the whole chain of awaits.
//!
//! A waker with another vtable is passed in, so that the leaf sees a new one and clones it; `clone` notes the stack and
//! returns the task's own waker. Nothing of ours stays behind. A leaf that asks nobody to wake it stays unknown.

use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::task::{Context, RawWaker, RawWakerVTable, Waker};
use std::time::{Duration, Instant};

use super::permit::{Address, PERMITS};
use super::walk::{of_call, walk};
use crate::dump::{Chains, Facts, Finding, IN_POLL, LEAF_FRAMES, LEAVES, POLLED, TASKS, Task, Walks};
use crate::request::{TaskSource, TaskState, TracedTask};

/// How long the runtime may take to poll the tasks again.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The tasks of a report that were asked.
pub(crate) struct Asked {
    tasks: [Option<&'static dyn TracedTask>; TASKS],
    table: usize,
    generation: u32,
}

/// Notes what is known of each task, and asks those that are idle for more; they must be woken to tell it.
pub(crate) fn ask(source: &dyn TaskSource, facts: &mut Facts, table: usize, generation: u32) -> Asked {
    let mut asked = Asked { tasks: [None; TASKS], table, generation };
    let chosen = choose(source, &mut facts.all_tasks);
    for (index, traced) in chosen.into_iter().flatten().enumerate() {
        let TaskState { name, place, thread, polls, age } = traced.state();
        let about = u32::from(source.is_about(traced));
        facts.task[index] = Task { name, place, thread, polls, age, about, finding: Finding::NONE };
        facts.tasks += 1;
        if thread == 0 {
            PERMITS[table].tasks[index].open(generation);
            traced.trace(Address { table, generation, index }.pack());
            asked.tasks[index] = Some(traced);
        }
    }
    asked
}

/// All of them; of more than there is room for, those that the report is about, and that have been in a poll, or idle, for
/// longest. Counts all.
fn choose(source: &dyn TaskSource, all: &mut u32) -> [Option<&'static dyn TracedTask>; TASKS] {
    let mut chosen = [None; TASKS];
    let mut ranks = [(false, false, None); TASKS];
    // Of those chosen the one that goes first.
    let mut least = 0;
    source.for_each(&mut |traced| {
        let state = traced.state();
        let rank = (source.is_about(traced), state.thread != 0, state.age.0);
        let index = if (*all as usize) < TASKS { *all as usize } else { least };
        if (*all as usize) < TASKS || rank > ranks[least] {
            (chosen[index], ranks[index]) = (Some(traced), rank);
            least = (0..TASKS).min_by_key(|index| ranks[*index]).unwrap_or(0);
        }
        *all = all.saturating_add(1);
    });
    chosen
}

impl Asked {
    /// Waits until they were polled; returns whether none of them is writing now.
    pub(crate) fn wait(self, walks: &Walks) -> bool {
        let end = Instant::now() + POLL_TIMEOUT;
        let pending = |(index, task): (usize, &Option<&dyn TracedTask>)| {
            task.is_some() && !walks.tasks[index].was_polled()
        };
        while self.tasks.iter().enumerate().any(pending) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut all_closed = true;
        for (index, task) in self.tasks.iter().enumerate() {
            if let Some(task) = task {
                task.trace(0);
                all_closed &= PERMITS[self.table].tasks[index].close(self.generation);
            }
        }
        all_closed
    }
}

/// Polls a task so that the report learns what it waits for: to be called instead of a plain poll with what
/// [`TracedTask::trace`] was given last, unless that is 0.
///
/// ```
/// use std::task::{Context, Poll, Waker};
///
/// let mut context = Context::from_waker(Waker::noop());
/// let mut result = Poll::Pending;
/// lifecycle_hang::trace_poll(0, &mut context, &mut |_context| result = Poll::Ready(7));
/// assert_eq!(result, Poll::Ready(7));
/// ```
pub fn trace_poll(token: u64, context: &mut Context<'_>, poll: &mut dyn FnMut(&mut Context<'_>)) {
    let Some(address) = Address::unpack(token) else { return poll(context) };
    let tracer = Tracer { waker: context.waker(), address };
    tracer.is_polled(IN_POLL);
    let data = (&raw const tracer).cast();
    // SAFETY: the vtable's functions take a `Tracer`, and this one lives as long as the waker, which is never dropped
    // and only lent out: who keeps it has to clone it, and gets the task's own.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) });
    poll(&mut Context::from_waker(&waker));
    tracer.is_polled(POLLED);
}

struct Tracer<'a> {
    waker: &'a Waker,
    address: Address,
}

impl Tracer<'_> {
    /// What may be written to until `end`, unless the report is over.
    fn begin(&self) -> Option<&'static Chains> {
        let Address { table, generation, index } = self.address;
        let may = PERMITS[table].tasks.get(index)?.begin(generation);
        may.then(|| &PERMITS[table].walks().tasks[index])
    }

    fn end(&self) {
        let Address { table, generation, index } = self.address;
        PERMITS[table].tasks[index].end(generation, false);
    }

    fn is_polled(&self, polled: u32) {
        if let Some(chains) = self.begin() {
            chains.polled.store(polled, Release);
            self.end();
        }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| {});

unsafe fn clone(tracer: *const ()) -> RawWaker {
    // SAFETY: from `trace_poll`, whose tracer lives as long as its waker is lent out.
    let tracer = unsafe { &*tracer.cast::<Tracer>() };
    if let Some(chains) = tracer.begin() {
        note(chains);
        tracer.end();
    }
    let waker = ManuallyDrop::new(tracer.waker.clone());
    RawWaker::new(waker.data(), waker.vtable())
}

unsafe fn wake(tracer: *const ()) {
    // SAFETY: as in `clone`.
    unsafe { &*tracer.cast::<Tracer>() }.waker.wake_by_ref();
}

/// The stack of this very thread, from the leaf up. Up to the leaf every frame is one of this crate: no closures of core's in
/// between, by which the reader would take the leaf to begin.
fn note(chains: &Chains) {
    let leaf = chains.leaves.load(Relaxed) as usize;
    if leaf >= LEAVES {
        return;
    }
    let mut len = 0;
    walk(|ip, interrupted| {
        chains.frames[leaf][len].store(of_call(ip, interrupted), Relaxed);
        len += 1;
        len < LEAF_FRAMES
    });
    chains.lens[leaf].store(len as u32, Relaxed);
    chains.leaves.store(leaf as u32 + 1, Release);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use lifecycle_os::clock::Age;
    use lifecycle_os::text::Text;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Count>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    struct Idle(TaskState);

    impl TracedTask for Idle {
        fn state(&self) -> TaskState {
            self.0
        }

        fn trace(&self, _: u64) {}
    }

    struct Many(Vec<&'static Idle>);

    impl TaskSource for Many {
        fn for_each(&self, f: &mut dyn FnMut(&'static dyn TracedTask)) {
            self.0.iter().for_each(|task| f(*task));
        }

        fn wake(&self) {}
    }

    #[test]
    fn of_too_many_tasks_those_are_chosen_that_are_in_a_poll_or_idle_for_longest() {
        let task = |number: u64| {
            let age = Age(Some(Duration::from_secs(number)));
            let thread = u32::from(number == 3);
            let (name, place) = (Text::new(), Text::new());
            &*Box::leak(Box::new(Idle(TaskState { name, place, thread, polls: number, age })))
        };
        let count = TASKS as u64 + 50;
        let tasks = Many((0..count).map(task).collect());
        let mut all = 0;
        let chosen = choose(&tasks, &mut all);
        let mut numbers: Vec<u64> = chosen.iter().flatten().map(|task| task.state().polls).collect();
        numbers.sort_unstable();
        let oldest = count - TASKS as u64 + 1..count;
        assert_eq!(numbers, [3].into_iter().chain(oldest).collect::<Vec<_>>());
        assert_eq!(u64::from(all), count);
    }

    /// No report is being made: all but the walk itself, which Miri cannot run.
    #[test]
    fn a_waker_that_is_kept_is_the_tasks_own() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let token = Address { table: 1, generation: 9, index: 3 }.pack();
        let mut kept = None;
        trace_poll(token, &mut Context::from_waker(&waker), &mut |context| {
            assert!(!context.waker().will_wake(&waker), "the leaf must clone it");
            context.waker().wake_by_ref();
            kept = Some(context.waker().clone());
        });
        assert_eq!(count.0.load(Relaxed), 1);
        kept.expect("it was cloned").wake();
        assert_eq!(count.0.load(Relaxed), 2);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
