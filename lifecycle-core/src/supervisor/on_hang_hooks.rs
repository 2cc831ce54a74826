//! Hooks marked `on_hang = true` are called once a heartbeat has expired, so that a hang loses no buffered state.
//!
//! They run on a thread of their own that was made at the start: the watchdog's can neither allocate nor be blocked.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::manager::LifecycleManager;
use crate::components::declaration::{Call, Instance};
use crate::components::index::{ResolvedHook, declared_hooks};
use crate::os::atomic_ref::AtomicRef;
use crate::os::lock::try_lock;
use crate::os::stderr::stderr_line;
use crate::os::{log, thread};
use crate::tasks::catch_panic::{Ended, call};

const POLL_INTERVAL: Duration = Duration::from_millis(2);

struct OnHangHooks {
    thread: OnceLock<Thread>,
    asked: AtomicBool,
    over: AtomicBool,
    /// The hook that is being called.
    running: AtomicRef<ResolvedHook>,
}

/// Process-wide: only one heartbeat ever expires.
static ON_HANG_HOOKS: OnHangHooks = OnHangHooks {
    thread: OnceLock::new(),
    asked: AtomicBool::new(false),
    over: AtomicBool::new(false),
    running: AtomicRef::none(),
};

/// Starts the thread, if any hook was declared for it.
pub(super) fn start() {
    if !declared_hooks().any(|hook| hook.on_hang) {
        return;
    }
    let work = || {
        // Acquire: with `ask`; `park` returns early at times.
        while !ON_HANG_HOOKS.asked.load(Acquire) {
            std::thread::park();
        }
        call_hooks(LifecycleManager::global());
        ON_HANG_HOOKS.over.store(true, Release);
    };
    match thread::spawn("lifecycle-on-hang", None, work) {
        Ok(thread) => ON_HANG_HOOKS.thread.set(thread).unwrap_or_default(),
        Err(error) => log::warn(format!("no hook will run on a hang: no thread for them: {error}")),
    }
}

/// For the watchdog, after an expiry: no lock, no allocation.
pub(super) fn ask() {
    if let Some(thread) = ON_HANG_HOOKS.thread.get() {
        ON_HANG_HOOKS.asked.store(true, Release);
        thread.unpark();
    }
}

/// As `ask`. Returns when the hooks have, or at `end`; the process then ends without the rest.
pub(super) fn wait(end: Instant) {
    if ON_HANG_HOOKS.thread.get().is_none() {
        return;
    }
    while !ON_HANG_HOOKS.over.load(Acquire) {
        if Instant::now() >= end {
            return report_late(ON_HANG_HOOKS.running.load());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn report_late(running: Option<&ResolvedHook>) {
    if let Some(hook) = running {
        stderr_line!(
            "ERROR lifecycle: on hang: hook `{}` ({}) timed out: left behind",
            hook.name,
            hook.place
        );
    } else {
        stderr_line!("ERROR lifecycle: on hang: no hook could be called: the list of instances is locked");
    }
}

fn call_hooks(manager: &LifecycleManager) {
    let hooks = loop {
        if let Some(mut registry) = try_lock(manager.registry()) {
            break registry.take_on_hang();
        }
        std::thread::sleep(POLL_INTERVAL);
    };
    for (hook, instances) in hooks {
        ON_HANG_HOOKS.running.store(Some(hook));
        instances.into_iter().for_each(|instance| call_hook(hook, instance));
    }
}

fn call_hook(hook: &ResolvedHook, instance: Option<Instance>) {
    let Call::Blocking(function) = &hook.hook.call else { return };
    // Kept for ever: a destructor is not asked for, and it may block where the hook did not.
    std::mem::forget(instance.clone());
    match call(move || function(&instance)) {
        Ended::Well => {}
        Ended::Failed(failed) => {
            let error = failed.text;
            stderr_line!("ERROR lifecycle: on hang: hook `{}` ({}) failed: {error}", hook.name, hook.place);
        }
        Ended::Panicked(panic) => {
            let message = panic.text;
            stderr_line!(
                "ERROR lifecycle: on hang: hook `{}` ({}) panicked: {message}",
                hook.name,
                hook.place
            );
        }
    }
}
