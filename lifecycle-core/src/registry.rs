//! What was declared at link time and what was handed over at run time.

use std::any::{Any, TypeId, type_name};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::component::{Hook, Instance, Site};
use crate::phase::Phase;
use crate::place::Place;
use crate::plan::{Plan, PlannedHook, short_type_name};

/// A declared hook with its name made up.
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) phase: Phase,
    pub(crate) order: i32,
    pub(crate) timeout: Duration,
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
    hooks.sort_by(|a, b| (a.key(), a.name, a.place.line).cmp(&(b.key(), b.name, b.place.line)));
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
    Declared { name, phase: site.phase, order: site.order, timeout: site.timeout, place: site.place, hook }
}

/// Steps are run by ascending key: rank and name of the phase, order.
pub(crate) type Key = (i32, &'static str, i32);

impl Declared {
    pub(crate) fn key(&self) -> Key {
        (self.phase.rank(), self.phase.name(), self.order)
    }
}

/// A hook to be called for an instance.
pub(crate) struct Job {
    pub(crate) declared: &'static Declared,
    pub(crate) instance: Option<Instance>,
    /// Counts the instances in the order in which they were managed.
    pub(crate) number: u64,
}

/// The hooks of one order in one phase: they run concurrently.
pub(crate) struct Step {
    pub(crate) jobs: Vec<Job>,
    /// The longest timeout in it.
    pub(crate) wish: Duration,
}

/// The instances that were handed over, and during a shutdown what is still to be done for them.
#[derive(Default)]
pub(crate) struct Registry {
    managed: BTreeMap<usize, (u64, Instance)>,
    count: u64,
    /// Some from the first moment of a shutdown until its end.
    schedule: Option<BTreeMap<Key, Vec<Job>>>,
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
        self.count += 1;
        match &mut self.schedule {
            None => {
                let entry = self.managed.entry(address(instance));
                entry.or_insert_with(|| (number, instance.clone()));
            }
            Some(schedule) => {
                for &index in hooks {
                    let declared = &INDEX.hooks[index];
                    let job = Job { declared, instance: Some(instance.clone()), number };
                    schedule.entry(declared.key()).or_default().push(job);
                }
            }
        }
    }

    /// Gives an instance back: hooks that have not been started for it will not be.
    pub(crate) fn release(&mut self, address: usize) -> bool {
        let mut found = self.managed.remove(&address).is_some();
        if let Some(schedule) = &mut self.schedule {
            for jobs in schedule.values_mut() {
                let ours = |job: &Job| job.instance.as_ref().is_some_and(|i| self::address(i) == address);
                found |= jobs.iter().any(ours);
                jobs.retain(|job| !ours(job));
            }
            schedule.retain(|_, jobs| !jobs.is_empty());
        }
        found
    }

    /// Turns what is managed into steps. From here on an instance is held by its pending jobs alone.
    pub(crate) fn begin(&mut self) {
        // Some already if two ask to stop at once: each hook is still taken by one of them only.
        let schedule = self.schedule.get_or_insert_default();
        let functions = INDEX.hooks.iter().filter(|declared| declared.hook.owner.is_none());
        for declared in functions {
            let job = Job { declared, instance: None, number: 0 };
            schedule.entry(declared.key()).or_default().push(job);
        }
        for (number, instance) in std::mem::take(&mut self.managed).into_values() {
            for &index in &INDEX.by_type[&(*instance).type_id()] {
                let declared = &INDEX.hooks[index];
                let job = Job { declared, instance: Some(instance.clone()), number };
                schedule.entry(declared.key()).or_default().push(job);
            }
        }
    }

    /// The next step whose phase has at most this rank. One whose place has passed comes first: it was managed late.
    pub(crate) fn next_step(&mut self, up_to_rank: i32) -> Option<Step> {
        let schedule = self.schedule.as_mut()?;
        let entry = schedule.first_entry().filter(|entry| entry.key().0 <= up_to_rank)?;
        let mut jobs = entry.remove();
        // Declared hooks lie in the order of the plan, so their addresses are in the order of their names.
        jobs.sort_by_key(|job| (std::ptr::from_ref(job.declared).addr(), job.number));
        Some(Step { wish: wish(&jobs), jobs })
    }

    /// The sum of the wishes of the steps to come.
    pub(crate) fn wishes(&self) -> Duration {
        let steps = self.schedule.iter().flat_map(BTreeMap::values);
        steps.map(|jobs| wish(jobs)).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Ends the shutdown, unless something was managed since the last step was taken.
    pub(crate) fn end(&mut self) -> bool {
        let ended = self.schedule.as_ref().is_none_or(BTreeMap::is_empty);
        if ended {
            self.schedule = None;
        }
        ended
    }

    /// Instances that are managed and not in a shutdown.
    pub(crate) fn len(&self) -> usize {
        self.managed.len()
    }

    pub(crate) fn plan(&self) -> Plan {
        let mut instances: HashMap<TypeId, usize> = HashMap::new();
        for (_, instance) in self.managed.values() {
            *instances.entry((**instance).type_id()).or_default() += 1;
        }
        let hooks = INDEX.hooks.iter().map(|declared| PlannedHook {
            phase: declared.phase,
            order: declared.order,
            name: declared.name,
            timeout: declared.timeout,
            place: declared.place,
            instances: declared.hook.owner.map(|owner| instances.get(&owner.id).copied().unwrap_or(0)),
        });
        Plan::new(hooks.collect())
    }
}

fn wish(jobs: &[Job]) -> Duration {
    jobs.iter().map(|job| job.declared.timeout).max().unwrap_or_default()
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
