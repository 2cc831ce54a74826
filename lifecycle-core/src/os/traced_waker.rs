//! A waker that knows where it was cloned: where a future waits.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::task::{Context, RawWaker, RawWakerVTable, Waker};

struct Traced {
    inner: Waker,
    cloned_at: RefCell<Vec<Backtrace>>,
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, |_| {});

/// So many places of one poll are kept.
const PLACES: usize = 8;

/// Polls with it. Returns where it was cloned.
pub(crate) fn trace<T>(
    context: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> T,
) -> (T, Vec<Backtrace>) {
    let traced = Traced { inner: context.waker().clone(), cloned_at: RefCell::default() };
    let raw = RawWaker::new((&raw const traced).cast(), &VTABLE);
    // SAFETY: the functions of the table take what is here a `Traced`, which outlives the waker: it is lent to `poll`, a
    // clone of it is one of the inner waker, and it is dropped by nobody. It does not leave this thread: a context is not `Sync`.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw) });
    let result = poll(&mut Context::from_waker(&waker));
    (result, traced.cloned_at.take())
}

/// # Safety
/// `data` points to a `Traced`.
unsafe fn traced<'a>(data: *const ()) -> &'a Traced {
    // SAFETY: as above.
    unsafe { &*data.cast::<Traced>() }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: only `trace` makes one.
    let traced = unsafe { traced(data) };
    let mut places = traced.cloned_at.borrow_mut();
    if places.len() < PLACES {
        places.push(Backtrace::force_capture());
    }
    let clone = ManuallyDrop::new(traced.inner.clone());
    RawWaker::new(clone.data(), clone.vtable())
}

unsafe fn wake(data: *const ()) {
    // SAFETY: only `trace` makes one. By value it is never ours to give: what is lent cannot be moved out.
    unsafe { wake_by_ref(data) };
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: only `trace` makes one.
    unsafe { traced(data) }.inner.wake_by_ref();
}
