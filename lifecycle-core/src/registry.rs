//! What was declared at link time and what was handed over at run time.

mod column;

use std::any::{Any, TypeId, type_name};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::component::{Hook, Instance, Site};
use crate::phase::Phase;
use crate::place::Place;
use crate::plan::{Plan, PlannedHook, short_type_name};
use crate::registry::column::Column;
use crate::work::Slot;

/// A declared hook with its name made up.
pub(crate) struct Declared {
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
    hooks: Vec<Declared>,
    by_type: HashMap<TypeId, Vec<usize>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut hooks: Vec<Declared> = inventory::iter::<Site>.into_iter().map(declared).collect();
    // To the last tie by what stands in the source: the order of linking differs between builds.
    let order = |hook: &Declared| (hook.key(), hook.name, hook.place.file, hook.place.line);
    hooks.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut by_type: HashMap<TypeId, Vec<usize>> = HashMap::new();
    for (index, declared) in hooks.iter().enumerate() {
        if let Some(owner) = declared.hook.owner {
            by_type.entry(owner.id).or_default().push(index);
        }
    }
    Index { hooks, by_type }
});

fn declared(site: &Site) -> Declared {
    let hook = (site.hook)();
    let name = match (site.name, hook.owner) {
        (Some(name), _) => name,
        // Made once for each hook of the program.
        (None, Some(owner)) => format!("{}::{}", short_type_name(owner.name), site.function).leak(),
        (None, None) => site.function,
    };
    let Site { phase, order, timeout, on_hang, place, .. } = *site;
    Declared { name, phase, order, timeout, on_hang, place, hook }
}

/// Steps are run by ascending key: rank and name of the phase, order.
pub(crate) type Key = (i32, &'static str, i32);

impl Declared {
    pub(crate) fn key(&self) -> Key {
        (self.phase.rank(), self.phase.name(), self.order)
    }
}

/// The hooks of one order in one phase: they run concurrently.
pub(crate) struct Step {
    /// In the order of the plan; each with a slot an instance, in the order in which they were managed.
    pub(crate) hooks: Vec<(&'static Declared, Vec<Slot>)>,
    /// The longest timeout in it.
    pub(crate) wish: Duration,
}

/// The instances that were handed over, and during a shutdown what is still to be done for them.
#[derive(Default)]
pub(crate) struct Registry {
    /// Of the instances, by their address. Empty during a shutdown.
    numbers: HashMap<usize, u64>,
    /// By the place of their hook in the plan; never without a live slot.
    columns: BTreeMap<usize, Column>,
    count: u64,
    /// From the first moment of a shutdown until its end.
    stopping: bool,
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
        // Later an address says nothing: an instance whose hooks have run may be gone, and its place taken.
        if !self.stopping {
            match self.numbers.entry(address(instance)) {
                Entry::Occupied(_) => return,
                Entry::Vacant(entry) => drop(entry.insert(number)),
            }
        }
        self.count += 1;
        for &index in hooks {
            self.columns.entry(index).or_default().push(number, Some(instance.clone()));
        }
    }

    /// Gives an instance back: hooks that have not been started for it will not be.
    pub(crate) fn release(&mut self, address: usize) -> bool {
        let number = self.numbers.remove(&address);
        if number.is_none() && !self.stopping {
            return false;
        }
        let ours = |instance: &mut Option<Instance>| instance.as_ref().map(self::address) == Some(address);
        let mut found = false;
        for column in self.columns.values_mut() {
            let index = match number {
                Some(number) => column.numbers.binary_search(&number).ok(),
                None => column.slots.iter().position(|slot| slot.while_waiting(ours) == Some(true)),
            };
            found |= index.is_some_and(|index| column.release(index));
        }
        self.columns.retain(|_, column| column.live() > 0);
        found
    }

    /// From here on an instance is held by its pending hooks alone.
    pub(crate) fn begin(&mut self) {
        // Already if two ask to stop at once: each hook is still taken by one of them only.
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        self.numbers = HashMap::new();
        let functions = INDEX.hooks.iter().enumerate().filter(|(_, declared)| declared.hook.owner.is_none());
        for (index, _) in functions {
            self.columns.entry(index).or_default().push(0, None);
        }
    }

    /// The next step whose phase has at most this rank. One whose place has passed comes first: it was managed late.
    pub(crate) fn next_step(&mut self, up_to_rank: i32) -> Option<Step> {
        let key = INDEX.hooks[*self.columns.first_key_value()?.0].key();
        if !self.stopping || key.0 > up_to_rank {
            return None;
        }
        let mut step = Step { hooks: Vec::new(), wish: Duration::ZERO };
        while let Some(entry) = self.columns.first_entry() {
            let declared = &INDEX.hooks[*entry.key()];
            if declared.key() != key {
                break;
            }
            let mut column = entry.remove();
            if declared.hook.owner.is_some() {
                column.close_up();
            }
            step.wish = step.wish.max(declared.timeout);
            step.hooks.push((declared, column.slots));
        }
        Some(step)
    }

    /// What is still to be done of the hooks marked `on_hang`, in the order of the plan; nobody else will do it.
    pub(crate) fn take_on_hang(&mut self) -> Vec<(&'static Declared, Vec<Slot>)> {
        self.begin();
        let marked = |index: &usize| INDEX.hooks[*index].on_hang;
        let marked: Vec<usize> = self.columns.keys().copied().filter(marked).collect();
        let hooks = marked.into_iter().filter_map(|index| Some((index, self.columns.remove(&index)?.slots)));
        hooks.map(|(index, slots)| (&INDEX.hooks[index], slots)).collect()
    }

    /// The sum of the wishes of the steps to come.
    pub(crate) fn wishes(&self) -> Duration {
        let mut wishes: BTreeMap<Key, Duration> = BTreeMap::new();
        for declared in self.columns.keys().map(|index| &INDEX.hooks[*index]) {
            let wish = wishes.entry(declared.key()).or_default();
            *wish = declared.timeout.max(*wish);
        }
        wishes.into_values().fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Ends the shutdown, unless something was managed since the last step was taken.
    pub(crate) fn end(&mut self) -> bool {
        let ended = self.columns.is_empty();
        self.stopping &= !ended;
        ended
    }

    /// Instances that are managed and not in a shutdown.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn plan(&self) -> Plan {
        let hooks = INDEX.hooks.iter().enumerate().map(|(index, declared)| PlannedHook {
            phase: declared.phase,
            order: declared.order,
            name: declared.name,
            timeout: declared.timeout,
            place: declared.place,
            instances: declared.hook.owner.map(|_| self.columns.get(&index).map_or(0, Column::live)),
        });
        Plan::new(hooks.collect())
    }
}

/// Every declared hook.
pub(crate) fn declared_hooks() -> &'static [Declared] {
    &INDEX.hooks
}

#[track_caller]
fn no_hooks<T>() -> ! {
    let name = short_type_name(type_name::<T>());
    panic!(
        "lifecycle::manage: `{name}` has no hook to call at shutdown: \
         write `#[lifecycle::component(order = 3, phase = \"disconnect\")]` on a method of `impl {name}`, \
         such as `async fn close(&self)`"
    )
}
