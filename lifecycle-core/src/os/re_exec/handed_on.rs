//! The descriptors that the next image gets, and the variable that tells it which they are.
//!
//! They are registered while all is well; `open` is called while the process may be broken: it reads atomics only, allocates
//! nothing and takes no lock. Should a descriptor change in that moment, the next image finds that it is not what the
//! variable says.

use std::ffi::{CStr, c_int};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::os::atomic_ref::AtomicRef;
use crate::os::lock::lock;
use crate::os::text::Text;

/// `PID;DESCRIPTOR=LABEL;…`
pub(crate) const VARIABLE: &str = "LIFECYCLE_SOCKETS";

/// Nobody listens on more; what is beyond is closed by a re-exec.
const MOST: usize = 32;

/// Bytes of one label: with `MOST` of them the variable fits into `LONGEST`.
const LONGEST_LABEL: usize = 200;
const LONGEST: usize = 8192;

const FREE: c_int = -1;
const CLAIMED: c_int = -2;

struct Slot {
    /// `FREE`, `CLAIMED` by who fills the rest, or the descriptor.
    descriptor: AtomicI32,
    /// The number that it must have in the next image; `FREE` if any will do.
    target: AtomicI32,
    label: AtomicRef<String>,
}

/// Process-wide, as descriptors are.
static SLOTS: [Slot; MOST] = [const {
    Slot { descriptor: AtomicI32::new(FREE), target: AtomicI32::new(FREE), label: AtomicRef::none() }
}; MOST];

/// Labels live as long as the process; the same text is kept once, so that restarts cost nothing.
static LABELS: Mutex<Vec<&'static String>> = Mutex::new(Vec::new());

/// A descriptor that is handed on while this lives.
pub(crate) struct HandedOn(&'static Slot);

impl HandedOn {
    /// None if there are too many, or the label is too long.
    pub(crate) fn new(descriptor: c_int, target: Option<c_int>, label: &str) -> Option<HandedOn> {
        if label.len() > LONGEST_LABEL {
            return None;
        }
        // AcqRel: the one that claims it writes the rest alone.
        let claim = |slot: &&Slot| slot.descriptor.compare_exchange(FREE, CLAIMED, AcqRel, Relaxed).is_ok();
        let slot = SLOTS.iter().find(claim)?;
        slot.target.store(target.unwrap_or(FREE), Relaxed);
        slot.label.store(Some(intern(label)));
        // Release: who sees the descriptor sees the rest.
        slot.descriptor.store(descriptor, Release);
        Some(HandedOn(slot))
    }

    /// Another label from now on, unless it is too long.
    pub(crate) fn relabel(&self, label: &str) {
        if label.len() <= LONGEST_LABEL {
            self.0.label.store(Some(intern(label)));
        }
    }
}

impl Drop for HandedOn {
    fn drop(&mut self) {
        self.0.descriptor.store(FREE, Release);
    }
}

fn intern(label: &str) -> &'static String {
    let mut labels = lock(&LABELS);
    if let Some(known) = labels.iter().find(|known| known.as_str() == label) {
        return known;
    }
    let new: &'static String = Box::leak(Box::new(label.to_owned()));
    labels.push(new);
    new
}

/// What was opened for the next image.
pub(super) struct Opened {
    /// `NAME=value`, and a zero byte.
    variable: [u8; LONGEST],
    /// Descriptors that survive, and those that were in the place of one, with a copy of what was there.
    surviving: [c_int; MOST],
    replaced: [(c_int, c_int); MOST],
}

impl Opened {
    /// For the environment of the next image; `None` if it gets no descriptor.
    pub(super) fn variable(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.variable).ok().filter(|variable| !variable.is_empty())
    }
}

/// Has each descriptor survive, under its number. What is in the way is kept as a copy.
pub(super) fn open() -> Opened {
    let mut opened =
        Opened { variable: [0; LONGEST], surviving: [FREE; MOST], replaced: [(FREE, FREE); MOST] };
    let mut text = Text::<LONGEST>::new();
    let _ = write!(text, "{VARIABLE}={}", std::process::id());
    let mut any = false;
    for (index, slot) in SLOTS.iter().enumerate() {
        let descriptor = slot.descriptor.load(Acquire);
        let Some(label) = slot.label.load().filter(|_| descriptor >= 0) else { continue };
        let target = slot.target.load(Relaxed);
        let number = if target < 0 { descriptor } else { target };
        // SAFETY: take numbers only; a descriptor that was closed meanwhile is an error, and is left out.
        let survives = unsafe {
            if target >= 0 && target != descriptor {
                opened.replaced[index] = (target, libc::fcntl(target, libc::F_DUPFD_CLOEXEC, 3));
                libc::dup2(descriptor, target) >= 0
            } else {
                libc::fcntl(descriptor, libc::F_SETFD, 0) == 0
            }
        };
        if survives {
            opened.surviving[index] = number;
            let _ = write!(text, ";{number}={label}");
            any = true;
        }
    }
    let bytes = text.as_bytes();
    if any && bytes.len() < LONGEST {
        opened.variable[..bytes.len()].copy_from_slice(bytes);
    }
    opened
}

/// The re-exec failed: what was in the way is back in its place, and a child inherits nothing.
pub(super) fn close(opened: &Opened) {
    for (survivor, (target, copy)) in opened.surviving.into_iter().zip(opened.replaced) {
        // SAFETY: take numbers only.
        unsafe {
            if target >= 0 {
                match copy {
                    FREE => libc::close(target),
                    _ => libc::dup2(copy, target),
                };
                libc::fcntl(target, libc::F_SETFD, libc::FD_CLOEXEC);
                libc::close(copy);
            } else if survivor >= 0 {
                libc::fcntl(survivor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
}
