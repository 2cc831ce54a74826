//! What a thread does when the report's signal reaches it: it walks its own stack into the dump, if it is permitted to.

use std::ffi::{c_int, c_void};
use std::sync::atomic::Ordering::Relaxed;

use lifecycle_os::process::thread_id;

use super::fault::{self, Walking};
use super::permit::{Address, PERMITS, table_of};
use super::scan;
use super::walk::{of_call, walk};
use crate::dump::Walk;

/// Frames of our own on top of the interrupted function: the handler and the kernel's trampoline.
const OWN_FRAMES: u32 = 16;

/// Keeps errno; returns at once to whatever was interrupted if the signal is not from a report of now.
pub(super) extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both pointers to a handler with SA_SIGINFO, valid until it returns.
    let (code, sender, value) =
        unsafe { ((*info).si_code, (*info).si_pid(), (*info).si_value().sival_ptr as u64) };
    // SAFETY: getpid cannot fail.
    if sender != unsafe { libc::getpid() } {
        return;
    }
    let address = match code {
        libc::SI_QUEUE => Address::unpack(value),
        libc::SI_TKILL => own_address(table_of(signal)),
        _ => None,
    };
    let Some(address) = address else { return };
    let permit = &PERMITS[address.table].threads[address.index];
    if permit.begin(address.generation) {
        walk_interrupted(address, context);
        permit.end(address.generation, true);
    }
}

/// By the thread's own number, for want of a value.
fn own_address(table: usize) -> Option<Address> {
    let (index, generation) = PERMITS[table].find(thread_id())?;
    Some(Address { table, generation, index })
}

/// From the interrupted function on; the frames of this handler are left out.
fn walk_interrupted(address: Address, context: *mut c_void) {
    let target = &PERMITS[address.table].walks().threads[address.index];
    let walking = Walking::new(context.cast(), target, address);
    let pc = walking.interrupted_at();
    fault::while_walking(&walking, || {
        let (mut found, mut own) = (false, 0);
        walk(|ip, interrupted| {
            if !found && ip != pc {
                own += 1;
                return own < OWN_FRAMES;
            }
            let innermost = !std::mem::replace(&mut found, true);
            target.store(of_call(ip, interrupted || innermost))
        });
        if !found {
            target.store(pc);
        }
        if target.len.load(Relaxed) < scan::LEAST {
            target.guessed.store(1, Relaxed);
            store_link_register(&walking, target);
            // SAFETY: this thread's own stack, as it was when it was interrupted; `while_walking` survives the fault.
            unsafe { scan::scan(walking.stack_pointer(), |address| target.store(address)) };
        }
    });
}

/// The caller of a function without unwind tables need not lie on the stack.
fn store_link_register(walking: &Walking, target: &Walk) {
    let caller = walking.link_register().and_then(scan::call_before);
    if let Some(caller) = caller.filter(|caller| target.addresses().all(|known| known != *caller)) {
        target.store(caller);
    }
}
