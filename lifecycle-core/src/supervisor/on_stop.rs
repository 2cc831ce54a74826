//! Hooks from closures, for what an attribute cannot stand on: generics, trait objects, foreign types.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::closure::{self, Closure, Label, StopHook};
use super::current::current;
use super::manager::LifecycleManager;
use crate::components::declaration::Instance;
use crate::components::registry::address;
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::os::lock::lock;

/// What a hook may take, unless [`OnStop::timeout`] says otherwise: as that of an attribute.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Has a closure called in the shutdown, `async` or not, as `#[lifecycle::component]` has a method: for generics, trait
/// objects and types of other crates. It is taken back when what is returned is dropped while the run goes on; once a
/// shutdown has begun, the hook belongs to it.
///
/// It may take 5 s; [`OnStop::timeout`] changes that. A plain closure has a blocking thread. `name` is what plans and
/// reports show. Names are kept for the life of the process: use one for each kind of thing, not one for each connection.
///
/// Locals of main are dropped when it returns or fails: what must be called then, too, is kept with [`OnStop::detach`].
///
/// ```
/// use std::sync::Arc;
/// use lifecycle::{Phase, on_stop};
///
/// trait Store: Send + Sync {
///     fn flush(&self) -> Result<(), std::io::Error>;
/// }
///
/// fn open(store: Arc<dyn Store>) {
///     on_stop("store", Phase::PERSIST, 0, move || store.flush()).detach();
///     on_stop("bye", Phase::DISCONNECT, 9, || async { println!("bye") }).detach();
/// }
/// ```
#[track_caller]
pub fn on_stop<Marker>(
    name: impl Into<String>,
    phase: Phase,
    order: i32,
    hook: impl StopHook<Marker>,
) -> OnStop {
    current().on_stop(name, phase, order, hook)
}

/// A hook that [`on_stop`] has made, until it is dropped.
///
/// ```
/// use lifecycle::{Phase, on_stop};
///
/// let hook = on_stop("order book", Phase::PERSIST, 0, || println!("saved"));
/// assert!(lifecycle::plan().hooks.iter().any(|hook| hook.name == "order book"));
/// drop(hook);
/// assert!(!lifecycle::plan().hooks.iter().any(|hook| hook.name == "order book"));
/// ```
#[must_use = "the hook is taken back when this is dropped: keep it, or write `.detach()`"]
pub struct OnStop {
    manager: LifecycleManager,
    /// Keeps the address from being given to another one.
    instance: Option<Instance>,
    name: String,
    phase: Phase,
    order: i32,
    place: Place,
}

impl LifecycleManager {
    /// See [`on_stop`](crate::on_stop).
    #[track_caller]
    pub fn on_stop<Marker>(
        &self,
        name: impl Into<String>,
        phase: Phase,
        order: i32,
        hook: impl StopHook<Marker>,
    ) -> OnStop {
        let place = Place::of(Location::caller());
        let mut guard =
            OnStop { manager: self.clone(), instance: None, name: name.into(), phase, order, place };
        if !self.is_left_behind() {
            guard.insert(TIMEOUT, hook.erase());
        }
        guard
    }
}

impl OnStop {
    fn insert(&mut self, timeout: Duration, closure: Closure) {
        let OnStop { phase, order, place, .. } = *self;
        let label = Label { name: &self.name, phase, order, timeout, place };
        self.instance = Some(closure::insert(self.manager.registry(), &label, closure));
    }

    /// How long the hook may take, instead of 5 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lifecycle::{Phase, on_stop};
    ///
    /// let _hook = on_stop("upload", Phase::PERSIST, 0, || async {}).timeout(Duration::from_secs(10));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> OnStop {
        if let Some(closure) = self.instance.as_ref().filter(|_| self.take_back()).and_then(closure::take) {
            self.insert(timeout, closure);
        }
        self
    }

    /// Keeps the hook until the end of the run.
    ///
    /// ```
    /// use lifecycle::{Phase, on_stop};
    ///
    /// on_stop("metrics", Phase::DISCONNECT, 5, || async { /* … push … */ }).detach();
    /// ```
    pub fn detach(mut self) {
        self.instance = None;
    }

    /// Whether it was not called, and will not be.
    fn take_back(&self) -> bool {
        let Some(instance) = &self.instance else { return false };
        !self.manager.current_run().is_stopping() && lock(self.manager.registry()).release(address(instance))
    }
}

impl Drop for OnStop {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl fmt::Debug for OnStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnStop").field("name", &self.name).finish_non_exhaustive()
    }
}
