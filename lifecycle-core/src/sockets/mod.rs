//! Listening sockets that outlive the run of main that asked for them, so that connections queue while main restarts.
//!
//! | a socket is | by |
//! |---|---|
//! | kept: a descriptor of our own lives beside the service's | `open`, or `adopt` at the start of an image |
//! | given to a run of main, as a duplicate | `open` |
//! | closed, though the service may hold its own | `release`, once main is not run again; `close_unclaimed` |
//! | closed for everybody, and its file removed | `close`, when a back-off wait begins |
//! | without its file | `end`, with the process |
//!
//! What a service manager has passed is never closed for others. Who asks outside of a service gets a plain socket.

mod bind;
mod inherited;
mod registry;
mod socket;

use std::ffi::OsString;
use std::io;
use std::sync::Mutex;

pub(crate) use self::bind::BindOptions;
use self::bind::bind;
use self::registry::{Entry, Registry, warn};
pub(crate) use self::socket::Ask;
use self::socket::Origin;
use crate::model::status::SocketStatus;
use crate::os::lock::lock;

/// Process-wide, as descriptors are.
static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

/// Takes over what the environment says, before anything else opens a descriptor. Returns warnings.
pub(crate) fn adopt(handed_on: Option<OsString>, env: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let pid = std::process::id();
    let handed_on = handed_on.and_then(|value| value.into_string().ok());
    let handed_on = handed_on.map(|value| inherited::handed_on(&value, pid)).unwrap_or_default();
    let passed = inherited::passed(env, pid);
    let mut registry = lock(&REGISTRY);
    registry.least += i32::try_from(passed.len()).unwrap_or(0);
    let mut warnings = Vec::new();
    for (descriptor, name) in passed {
        let known = handed_on.iter().find(|known| known.descriptor == descriptor);
        warnings.extend(registry.adopt_passed(descriptor, name, known.and_then(|known| known.asked.clone())));
    }
    let least = registry.least;
    let own = handed_on.into_iter().filter(|known| known.descriptor >= least);
    warnings.extend(own.filter_map(|known| registry.adopt_own(known)));
    warnings
}

/// Main is run again after a crash: from now on sockets are kept for it.
pub(crate) fn keep() {
    lock(&REGISTRY).is_keeping = true;
}

/// A socket for the service, which does not block: one that is kept, or one that is bound now.
pub(crate) fn open(ask: Ask<'_>, options: BindOptions) -> io::Result<socket2::Socket> {
    let mut registry = lock(&REGISTRY);
    if let Some(socket) = registry.give(ask) {
        let socket = socket?;
        // A service manager may have passed one that blocks.
        socket.set_nonblocking(true)?;
        return Ok(socket);
    }
    let (asked, socket) = bind(ask, options)?;
    registry.bound(&socket, asked, ask);
    Ok(socket)
}

/// A back-off wait begins: clients are to fail over.
pub(crate) fn close() {
    // What a crashed run has left behind may hold it, too.
    lock(&REGISTRY).stop(|entry| entry.socket.origin == Origin::Own);
}

/// Main is not run again: what the service closes is closed.
pub(crate) fn release() {
    let mut registry = lock(&REGISTRY);
    registry.is_keeping = false;
    registry.sockets.clear();
}

/// The process ends: files of its own are removed.
pub(crate) fn end() {
    lock(&REGISTRY).remove_files();
}

/// Whether there is a socket that this run has not asked for, and nobody else answers on.
pub(crate) fn has_unclaimed(run: u32) -> bool {
    lock(&REGISTRY).sockets.iter().any(|entry| entry.is_unclaimed(run))
}

/// The run is up and has asked for what it needs: on the others nobody would answer.
pub(crate) fn close_unclaimed(run: u32) {
    for socket in lock(&REGISTRY).stop(|entry| entry.is_unclaimed(run)) {
        warn(&format!("{socket} is closed: this run of main does not listen on it any more"));
    }
}

/// Every socket that is kept.
pub(crate) fn status() -> Vec<SocketStatus> {
    let of = |entry: &Entry| SocketStatus {
        name: entry.socket.name.clone(),
        address: entry.socket.local.clone(),
        passed: entry.socket.origin == Origin::Passed,
    };
    lock(&REGISTRY).sockets.iter().map(of).collect()
}
