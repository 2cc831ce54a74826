//! What was declared at link time and what was handed over at run time.

use std::any::{Any, TypeId, type_name};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use super::instances::Instances;
use crate::components::declaration::{Hook, HookDeclaration, Instance};
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::model::plan::{Plan, PlannedHook, short_type_name};

/// A declared hook with its name.
pub(crate) struct ResolvedHook {
    pub(crate) name: &'static str,
    pub(crate) phase: Phase,
    pub(crate) order: i32,
    pub(crate) timeout: Duration,
    /// Called before a hang ends the process, too.
    pub(crate) on_hang: bool,
    pub(crate) place: Place,
    pub(crate) hook: Hook,
}

/// Every `#[lifecycle::component]` that was linked, sorted as the plan is.
struct Index {
    hooks: Vec<ResolvedHook>,
    by_type: HashMap<TypeId, Vec<usize>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut hooks: Vec<ResolvedHook> = inventory::iter::<HookDeclaration>.into_iter().map(resolve).collect();
    // To the last tie by the place in the source: the order of linking differs between builds.
    let order = |hook: &ResolvedHook| (hook.key(), hook.name, hook.place.file, hook.place.line);
    hooks.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut by_type: HashMap<TypeId, Vec<usize>> = HashMap::new();
    for (index, resolved) in hooks.iter().enumerate() {
        if let Some(owner) = resolved.hook.owner {
            by_type.entry(owner.id).or_default().push(index);
        }
    }
    Index { hooks, by_type }
});

fn resolve(declaration: &HookDeclaration) -> ResolvedHook {
    let hook = (declaration.hook)();
    let name = match (declaration.name, hook.owner) {
        (Some(name), _) => name,
        // Made once for each hook of the program.
        (None, Some(owner)) => format!("{}::{}", short_type_name(owner.name), declaration.function).leak(),
        (None, None) => declaration.function,
    };
    let HookDeclaration { phase, order, timeout, on_hang, place, .. } = *declaration;
    ResolvedHook { name, phase, order, timeout, on_hang, place, hook }
}

impl Index {
    /// The place behind the last hook that runs together with this one.
    fn end_of_step(&self, first: usize) -> usize {
        first + self.hooks[first..].partition_point(|hook| hook.key() == self.hooks[first].key())
    }
}

/// Steps are run by ascending key: rank and name of the phase, order.
pub(crate) type Key = (i32, &'static str, i32);

impl ResolvedHook {
    pub(crate) fn key(&self) -> Key {
        (self.phase.rank(), self.phase.name(), self.order)
    }
}

/// The hooks of one order in one phase: they run concurrently.
pub(crate) struct Step {
    /// In the order of the plan; each with what it is to be called for, in the order in which that was managed.
    pub(crate) hooks: Vec<(&'static ResolvedHook, Vec<Option<Instance>>)>,
    /// The longest timeout in it.
    pub(crate) timeout: Duration,
}

/// The instances that were handed over, and during a shutdown what is still to be done for them.
#[derive(Default)]
pub(crate) struct Registry {
    /// By address. During a shutdown those too whose hooks have run: no instance is called for twice.
    managed: HashMap<usize, Managed>,
    /// By the place of their hook in the plan; never without a live instance.
    columns: BTreeMap<usize, Instances>,
    count: u64,
    /// From the first moment of a shutdown until its end.
    stopping: bool,
    /// The place in the plan up to which the shutdown has come.
    reached: usize,
}

/// So many addresses are forgotten in no time.
const FEW: usize = 1000;

struct Managed {
    number: u64,
    /// Keeps the address from being given to another instance, and the instance from nothing.
    _pin: Weak<dyn Any + Send + Sync>,
}

/// Where an `Arc` points: no two live ones share it, not even of zero-sized types, since the counts come first.
pub(crate) fn address<T: ?Sized>(instance: &Arc<T>) -> usize {
    Arc::as_ptr(instance).cast::<()>().addr()
}

impl Registry {
    /// Takes an instance; the same one twice is one. During a shutdown its hooks join what is still to be done.
    ///
    /// # Panics
    /// If the type has no hook; the message says what to write.
    #[track_caller]
    pub(crate) fn manage<T: Any + Send + Sync>(&mut self, instance: &Arc<T>) {
        // No closure: the panic must name the caller's place.
        let Some(hooks) = INDEX.by_type.get(&TypeId::of::<T>()) else { no_hooks::<T>() };
        let number = self.count;
        match self.managed.entry(address(instance)) {
            Entry::Occupied(_) => return,
            Entry::Vacant(entry) => {
                entry.insert(Managed { number, _pin: Arc::<T>::downgrade(instance) });
            }
        }
        self.count += 1;
        for &index in hooks {
            self.columns.entry(index).or_default().push(number, Some(instance.clone()));
        }
    }

    /// Gives an instance back: hooks that have not been started for it will not be.
    pub(crate) fn release(&mut self, address: usize) -> bool {
        let Some(number) = self.managed.get(&address).map(|managed| managed.number) else { return false };
        let mut found = false;
        for column in self.columns.values_mut() {
            found |= column.release(number);
        }
        self.columns.retain(|_, column| column.live() > 0);
        // If a hook of it has run, or runs, it stays known: managed again, it would be called for twice.
        if found {
            self.managed.remove(&address);
        }
        found
    }

    /// From here on an instance is held by its pending hooks alone.
    pub(crate) fn begin(&mut self) {
        self.stopping = true;
        self.reached = 0;
        let functions = INDEX.hooks.iter().enumerate().filter(|(_, resolved)| resolved.hook.owner.is_none());
        for (index, _) in functions {
            self.columns.entry(index).or_default().push(0, None);
        }
    }

    /// The next step whose phase has at most this rank. One whose place has passed comes first, unless there is no time
    /// for those (`late` is false).
    pub(crate) fn next_step(&mut self, up_to_rank: i32, late: bool) -> Option<Step> {
        let from = if late { 0 } else { self.reached };
        let first = *self.columns.range(from..).next()?.0;
        let key = INDEX.hooks[first].key();
        if !self.stopping || key.0 > up_to_rank {
            return None;
        }
        let mut step = Step { hooks: Vec::new(), timeout: Duration::ZERO };
        while let Some(index) = self.columns.range(first..).next().map(|(index, _)| *index) {
            let resolved = &INDEX.hooks[index];
            if resolved.key() != key {
                break;
            }
            let Some(column) = self.columns.remove(&index) else { break };
            step.timeout = step.timeout.max(resolved.timeout);
            step.hooks.push((resolved, column.into_live()));
        }
        self.reached = self.reached.max(INDEX.end_of_step(first));
        Some(step)
    }

    /// What is still to be done of the hooks marked `on_hang`, in the order of the plan; nobody else will do it.
    pub(crate) fn take_on_hang(&mut self) -> Vec<(&'static ResolvedHook, Vec<Option<Instance>>)> {
        if !self.stopping {
            self.begin();
        }
        let marked = |index: &usize| INDEX.hooks[*index].on_hang;
        let marked: Vec<usize> = self.columns.keys().copied().filter(marked).collect();
        let take = |index| Some((&INDEX.hooks[index], self.columns.remove(&index)?.into_live()));
        marked.into_iter().filter_map(take).collect()
    }

    /// The sum of the timeouts of the steps of the plan that are still ahead.
    pub(crate) fn timeouts_ahead(&self) -> Duration {
        let mut timeouts: BTreeMap<Key, Duration> = BTreeMap::new();
        for resolved in self.columns.range(self.reached..).map(|(index, _)| &INDEX.hooks[*index]) {
            let timeout = timeouts.entry(resolved.key()).or_default();
            *timeout = resolved.timeout.max(*timeout);
        }
        timeouts.into_values().fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether nothing was managed since the last step was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Ends the shutdown. Returns what is left, to be dropped where that may take its time; `None` if there is little, and no
    /// instance of the user's.
    pub(crate) fn close(&mut self) -> Option<impl Sized + Send + use<>> {
        self.stopping = false;
        let (columns, managed) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.managed));
        (!columns.is_empty() || managed.len() > FEW).then_some((columns, managed))
    }

    /// Instances that are managed and not in a shutdown.
    pub(crate) fn len(&self) -> usize {
        if self.stopping { 0 } else { self.managed.len() }
    }

    pub(crate) fn plan(&self) -> Plan {
        let hooks = INDEX.hooks.iter().enumerate().map(|(index, resolved)| PlannedHook {
            phase: resolved.phase,
            order: resolved.order,
            name: resolved.name,
            timeout: resolved.timeout,
            place: resolved.place,
            instances: resolved.hook.owner.map(|_| self.columns.get(&index).map_or(0, Instances::live)),
        });
        Plan::new(hooks.collect())
    }
}

/// Every declared hook.
pub(crate) fn declared_hooks() -> &'static [ResolvedHook] {
    &INDEX.hooks
}

#[track_caller]
fn no_hooks<T>() -> ! {
    let name = short_type_name(type_name::<T>());
    assert!(
        !type_name::<T>().starts_with("alloc::sync::Arc<"),
        "lifecycle::manage: `{name}` is in an `Arc` already: write `lifecycle::manage_arc(…)`, which takes the `Arc`"
    );
    panic!(
        "lifecycle::manage: `{name}` has no hook to call at shutdown: \
         write `#[lifecycle::component(order = 3, phase = \"disconnect\")]` on a method of `impl {name}`, \
         such as `async fn close(&self)`"
    )
}
