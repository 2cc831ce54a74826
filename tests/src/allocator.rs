//! An allocator that gets stuck, as one does whose lock is never given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The system's, until [`get_stuck`] is called.
#[derive(Debug)]
pub struct Stuck;

static STUCK: AtomicBool = AtomicBool::new(false);

/// From now on nobody gets memory.
pub fn get_stuck() {
    STUCK.store(true, Relaxed);
}

// SAFETY: the system's allocator, or no answer at all.
unsafe impl GlobalAlloc for Stuck {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        while STUCK.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        while STUCK.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}
