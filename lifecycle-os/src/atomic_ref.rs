//! A `&'static T`, or none, that one thread stores and another loads: no lock, no allocation.
//!
//! May be used while the process is broken, and in a signal handler.

use std::fmt;
use std::ptr::null_mut;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

/// The watchdog and signal handlers hand things over with it.
pub struct AtomicRef<T: 'static>(AtomicPtr<T>);

impl<T: Sync> AtomicRef<T> {
    /// Holds nothing yet.
    #[must_use]
    pub const fn none() -> AtomicRef<T> {
        AtomicRef(AtomicPtr::new(null_mut()))
    }

    /// From now on `load` returns it.
    // Release, free on x86: whoever loads the pointer reads through it.
    #[inline]
    pub fn store(&self, value: Option<&'static T>) {
        self.0.store(pointer(value), Release);
    }

    /// What was stored last.
    pub fn load(&self) -> Option<&'static T> {
        // SAFETY: null, or stored from a `&'static T`.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    /// As `load`, and leaves none.
    pub fn take(&self) -> Option<&'static T> {
        // SAFETY: as in `load`.
        unsafe { self.0.swap(null_mut(), AcqRel).as_ref() }
    }

    /// Stores `value` if it still holds `expected`; else returns what it holds.
    fn replace(&self, expected: Option<&'static T>, value: &'static T) -> Result<(), Option<&'static T>> {
        let replaced = self.0.compare_exchange_weak(pointer(expected), pointer(Some(value)), AcqRel, Acquire);
        // SAFETY: as in `load`.
        replaced.map(drop).map_err(|now| unsafe { now.as_ref() })
    }
}

impl<T: Sync> Default for AtomicRef<T> {
    fn default() -> AtomicRef<T> {
        AtomicRef::none()
    }
}

impl<T> fmt::Debug for AtomicRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicRef").field(&self.0).finish()
    }
}

fn pointer<T>(value: Option<&'static T>) -> *mut T {
    value.map_or(null_mut(), |value| std::ptr::from_ref(value).cast_mut())
}

/// A list of statics, newest first: pushed to, never removed from but all at a time.
#[derive(Debug)]
pub struct StaticList<T: 'static>(AtomicRef<T>);

/// What an element of a [`StaticList`] holds.
pub trait Linked: Sized + Sync + 'static {
    /// Where the list keeps the next element.
    fn next(&self) -> &AtomicRef<Self>;
}

impl<T: Linked> StaticList<T> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> StaticList<T> {
        StaticList(AtomicRef::none())
    }

    /// Each element once: a second push would make a circle.
    pub fn push(&self, element: &'static T) {
        let mut head = self.0.load();
        loop {
            element.next().store(head);
            match self.0.replace(head, element) {
                Ok(()) => return,
                Err(now) => head = now,
            }
        }
    }

    /// The newest, with all that follow it; the list is empty then. Whoever took them may link them anew.
    pub fn take(&self) -> Option<&'static T> {
        self.0.take()
    }

    /// Those that were pushed by now.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> {
        std::iter::successors(self.0.load(), |element| element.next().load())
    }
}

impl<T: Linked> Default for StaticList<T> {
    fn default() -> StaticList<T> {
        StaticList::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Element(u32, AtomicRef<Element>);

    impl Linked for Element {
        fn next(&self) -> &AtomicRef<Element> {
            &self.1
        }
    }

    #[test]
    fn concurrent_pushes_lose_nothing() {
        static LIST: StaticList<Element> = StaticList::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for n in 0..25 {
                        LIST.push(Box::leak(Box::new(Element(thread * 25 + n, AtomicRef::none()))));
                    }
                });
            }
        });
        let mut seen: Vec<u32> = LIST.iter().map(|element| element.0).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..100));
    }

    #[test]
    fn what_was_taken_is_gone() {
        static VALUE: u32 = 7;
        let slot = AtomicRef::none();
        slot.store(Some(&VALUE));
        assert_eq!((slot.load(), slot.take(), slot.take()), (Some(&7), Some(&7), None));
    }
}
