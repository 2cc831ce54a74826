//! What was collected by us. Zeroed memory is a valid one of each.

use lifecycle_os::clock::Age;
use lifecycle_os::text::Text;

use super::{FILES, Finding, OWN_CRATES, TASK_NAME, TASKS, THREADS};

/// What the kernel says of a thread.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Thread {
    pub(crate) id: u32,
    /// As in `/proc`: R, S, D, …
    pub(crate) state: u8,
    pub(crate) name: Text<16>,
    pub(crate) wait: Text<40>,
    /// The system call that it is in, if that is known and it is in one.
    pub(crate) call: Call,
    /// Nanoseconds on a processor, at the begin and the end of the report.
    pub(crate) ran: [u64; 2],
    /// The user's frames at half-time, hashed, and what it had run by then; 0 if that is not known.
    pub(crate) half: [u64; 2],
    /// 1 if all addresses of its stack are those of half-time.
    pub(crate) same_walk: u32,
    pub(crate) finding: Finding,
}

/// Of a thread that sleeps in the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Call {
    pub(crate) known: u32,
    pub(crate) number: i64,
    pub(crate) args: [u64; 6],
    /// 0 if the thread runs, or if that is not known.
    pub(crate) sp: u64,
    pub(crate) pc: u64,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Task {
    pub(crate) name: Text<TASK_NAME>,
    pub(crate) place: Text<160>,
    pub(crate) thread: u32,
    pub(crate) polls: u64,
    pub(crate) age: Age,
    /// 1: what the report is about waits in it.
    pub(crate) about: u32,
    pub(crate) finding: Finding,
}

/// What a report in JSON says in entries of their own.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Json {
    pub(crate) is_wanted: bool,
    pub(crate) kind: Text<32>,
    pub(crate) date: Text<32>,
    /// That is late, if one is, and for how many milliseconds.
    pub(crate) heartbeat: Text<160>,
    pub(crate) age: u64,
    pub(crate) message: Text<1024>,
}

/// What was collected. Zeroed memory is a valid one.
#[repr(C)]
pub(crate) struct Facts {
    pub(crate) pid: u32,
    pub(crate) full: u32,
    /// Only suspects are shown.
    pub(crate) brief: u32,
    /// Nobody said that something is wrong.
    pub(crate) goes_on: u32,
    /// Begins with it.
    pub(crate) title: Text<256>,
    pub(crate) threads: u32,
    pub(crate) tasks: u32,
    /// How many there are, with those that there is no room for.
    pub(crate) all_threads: u32,
    pub(crate) all_tasks: u32,
    /// Milliseconds; a longer poll is a suspect. 0: none is.
    pub(crate) longest_poll: u64,
    /// Between the two samples of `Thread::ran`.
    pub(crate) sampled: u64,
    /// Milliseconds since the half-time report; 0 if there was none.
    pub(crate) since_half: u64,
    /// Who left a breadcrumb, and where: a task that waits there is a suspect.
    pub(crate) crumb_of: Text<160>,
    pub(crate) crumb: Text<200>,
    /// Files of the program, as the compiler was given them.
    pub(crate) files: [Text<160>; FILES],
    /// Those of the program, with commas in between.
    pub(crate) crates: Text<4096>,
    /// Crates whose frames are ours.
    pub(crate) own: [Text<32>; OWN_CRATES],
    /// For a report in JSON.
    pub(crate) json: Json,
    /// The thread that the report is about, or 0.
    pub(crate) about: u32,
    /// Lines of whoever asks, shown as they are.
    pub(crate) notes: Text<16384>,
    /// Why there are no lines, if there are none.
    pub(crate) no_lines: Text<64>,
    /// The executable mappings, as `/proc/self/maps` has them.
    pub(crate) maps: Text<65536>,
    pub(crate) thread: [Thread; THREADS],
    pub(crate) task: [Task; TASKS],
}

impl Call {
    pub(crate) const NONE: Call = Call { known: 0, number: -1, args: [0; 6], sp: 0, pc: 0 };
}

impl Thread {
    /// Percent of the processor's time between the samples.
    pub(crate) fn cpu_share(&self, sampled: u64) -> f64 {
        self.ran[1].saturating_sub(self.ran[0]) as f64 / sampled.max(1) as f64 * 100.0
    }
}

impl Facts {
    pub(crate) fn threads(&self) -> &[Thread] {
        &self.thread[..self.threads as usize]
    }

    pub(crate) fn tasks(&self) -> &[Task] {
        &self.task[..self.tasks as usize]
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full == 1
    }
}
