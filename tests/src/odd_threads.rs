//! Threads as other people's libraries have them.

use std::ffi::c_void;
use std::ptr::null_mut;

/// As small as a thread may be.
const SMALL: usize = 16 << 10;

/// One with the smallest stack, which never leaves the processor.
///
/// # Panics
/// If it cannot be started.
pub fn spin_on_a_small_stack() {
    extern "C" fn spin(_: *mut c_void) -> *mut c_void {
        loop {
            std::hint::spin_loop();
        }
    }
    // SAFETY: valid attributes, which are used once; the function never returns.
    let started = unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, SMALL);
        let mut thread: libc::pthread_t = std::mem::zeroed();
        libc::pthread_create(&raw mut thread, &raw const attributes, spin, null_mut())
    };
    assert_eq!(started, 0);
}

/// One that blocks every signal, as allocators' own do.
pub fn spin_without_signals() {
    std::thread::spawn(|| {
        // SAFETY: a valid set.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut set);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, null_mut());
        }
        loop {
            std::hint::spin_loop();
        }
    });
}
