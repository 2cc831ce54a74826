//! Zombies that this process inherits, as PID 1 of a container or as a subreaper. May be called while the process is broken.
//!
//! A child that the process has started itself is never reaped here: whoever started it waits for its exit status, perhaps
//! much later. What tells the two apart: the kernel gives orphans to a process's first thread, and a child belongs to the
//! thread that has started it, as long as that thread lives.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Whoever waits for a child has had time enough after as many looks. Looks, not seconds: a process that is stopped for a
/// while cannot wait meanwhile.
const LOOKS: u32 = 5;

/// Children are found before they are known, at most so many at once; the others have to wait.
const MOST: usize = 4096;

struct Child {
    pid: u32,
    /// This process has started it, as far as can be told.
    is_own: bool,
    /// How often it was seen as a zombie.
    looks: u32,
}

/// Whether this process inherits orphans. To be asked on the process's first thread, to which they come, and which from now on
/// starts no process: on any other the answer is no.
pub(crate) fn inherits_orphans() -> bool {
    system::inherits_orphans()
}

/// Reaps orphans; nothing where the process inherits none.
pub(crate) struct Reaper {
    children: Vec<Child>,
    is_active: bool,
    last: Option<Instant>,
}

impl Reaper {
    /// `is_active`: what `inherits_orphans` says.
    pub(crate) fn new(is_active: bool) -> Reaper {
        let children = Vec::with_capacity(if is_active { MOST } else { 0 });
        Reaper { children, is_active, last: None }
    }

    /// Time to the next look; `None` if there is none to come.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.last.map(|last| (last + INTERVAL).saturating_duration_since(now));
        self.is_active.then(|| left.unwrap_or_default())
    }

    /// Looks, if it is time to.
    pub(crate) fn advance(&mut self) {
        let now = Instant::now();
        if self.left(now).is_some_and(|left| left.is_zero()) {
            // What is there at the first look is older than what is known here.
            let is_first = self.last.replace(now).is_none();
            self.look(is_first);
        }
    }

    fn look(&mut self, is_first: bool) {
        if !system::has_children() {
            self.children.clear();
            return;
        }
        system::for_each_child(|pid, is_of_first_thread| self.found(pid, is_first || !is_of_first_thread));
        self.children.retain_mut(|child| match system::is_zombie(child.pid) {
            // Waited for by whoever has started it.
            None => false,
            Some(is_zombie) => {
                child.looks += u32::from(is_zombie && !child.is_own);
                if child.looks > LOOKS {
                    system::reap(child.pid);
                }
                child.looks <= LOOKS
            }
        });
    }

    /// Once known as its own, it stays so: when the thread that has started it ends, it comes to the first one.
    fn found(&mut self, pid: u32, is_own: bool) {
        if let Some(child) = self.children.iter_mut().find(|child| child.pid == pid) {
            child.is_own |= is_own;
        } else if self.children.len() < MOST {
            self.children.push(Child { pid, is_own, looks: 0 });
        }
    }
}
