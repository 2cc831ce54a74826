//! Hooks marked `on_hang = true` are called once the verdict has fallen, so that a hang loses no buffered state.
//!
//! They run on a thread of their own that was made at the start: the watchdog's can neither allocate nor be blocked.

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::component::{Call, Instance};
use crate::lifecycle::LifecycleManager;
use crate::raw::stderr_line;
use crate::registry::{self, Declared};
use crate::unwind::{Ended, call};
use crate::work::Slot;

/// All of them together have so long; then the process ends without the rest.
const LONGEST: Duration = Duration::from_secs(1);

const GLANCE: Duration = Duration::from_millis(2);

struct LastGasp {
    thread: OnceLock<Thread>,
    asked: AtomicBool,
    over: AtomicBool,
    /// The hook that is being called.
    running: AtomicPtr<Declared>,
}

static LAST_GASP: LastGasp = LastGasp {
    thread: OnceLock::new(),
    asked: AtomicBool::new(false),
    over: AtomicBool::new(false),
    running: AtomicPtr::new(null_mut()),
};

/// Starts the thread, if any hook was declared for it.
pub(crate) fn start() {
    if !registry::declared_hooks().iter().any(|hook| hook.on_hang) {
        return;
    }
    let breathe = || {
        // Acquire: with `ask`; `park` returns early at times.
        while !LAST_GASP.asked.load(Acquire) {
            std::thread::park();
        }
        call_hooks(LifecycleManager::global());
        LAST_GASP.over.store(true, Release);
    };
    match std::thread::Builder::new().name("lifecycle-last-gasp".into()).spawn(breathe) {
        Ok(thread) => LAST_GASP.thread.set(thread.thread().clone()).unwrap_or_default(),
        Err(error) => crate::log::warn(format!("no hook will run on a hang: no thread for them: {error}")),
    }
}

/// For the watchdog, after its verdict: no lock, no allocation.
pub(crate) fn ask() {
    if let Some(thread) = LAST_GASP.thread.get() {
        LAST_GASP.asked.store(true, Release);
        thread.unpark();
    }
}

/// As `ask`. Returns when the hooks have, or after a second.
pub(crate) fn wait() {
    if LAST_GASP.thread.get().is_none() {
        return;
    }
    let begun = Instant::now();
    while !LAST_GASP.over.load(Acquire) {
        if begun.elapsed() >= LONGEST {
            // SAFETY: null, or stored from a `&'static Declared` below.
            let running = unsafe { LAST_GASP.running.load(Acquire).as_ref() };
            late(running);
            return;
        }
        std::thread::sleep(GLANCE);
    }
}

fn late(running: Option<&Declared>) {
    if let Some(hook) = running {
        stderr_line!("ERROR lifecycle: on hang: hook `{}` ({}) is late: left behind", hook.name, hook.place);
    } else {
        stderr_line!("ERROR lifecycle: on hang: no hook could be called: the list of instances is locked");
    }
}

fn call_hooks(manager: &LifecycleManager) {
    let hooks = loop {
        if let Some(mut registry) = manager.try_registry() {
            break registry.take_on_hang();
        }
        std::thread::sleep(GLANCE);
    };
    for (hook, slots) in hooks {
        LAST_GASP.running.store(std::ptr::from_ref(hook).cast_mut(), Release);
        for slot in slots {
            call_hook(hook, &slot);
        }
    }
}

fn call_hook(hook: &Declared, slot: &Slot) {
    let Some(instance) = slot.while_waiting(Option::<Instance>::take) else { return };
    let Call::Blocking(function) = &hook.hook.call else { return };
    if instance.is_none() && hook.hook.owner.is_some() {
        return;
    }
    // Kept for ever: a destructor is not asked for, and it may block where the hook did not.
    std::mem::forget(instance.clone());
    match call(|| function(instance)) {
        Ended::Well => {}
        Ended::Failed(error) => {
            stderr_line!("ERROR lifecycle: on hang: hook `{}` ({}) failed: {error}", hook.name, hook.place);
        }
        Ended::Panicked(message) => {
            stderr_line!(
                "ERROR lifecycle: on hang: hook `{}` ({}) panicked: {message}",
                hook.name,
                hook.place
            );
        }
    }
}
