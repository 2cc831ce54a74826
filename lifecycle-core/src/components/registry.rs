//! What was handed over at run time, and during a shutdown what is still to be done for it.

use std::any::{Any, TypeId, type_name};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Weak};
use std::time::Duration;

#[cfg(feature = "test")]
use super::declaration::{AsyncCall, Call};
use super::declaration::{HookKind, Instance};
use super::index::{ByName, Key, ResolvedHook, declared, declared_hooks, hooks_of};
use super::instances::Instances;
use crate::model::misuse::misuse;
use crate::model::plan::{Plan, PlannedHook, PlannedTask, short_type_name};

/// A hook, with what it is to be called for, in the order in which that was managed.
pub(crate) type Due = (&'static ResolvedHook, Vec<Option<Instance>>);

/// The hooks of one order in one phase: they run concurrently.
pub(crate) struct Step {
    /// In the order of the plan.
    pub(crate) hooks: Vec<Due>,
    /// The longest timeout in it.
    pub(crate) timeout: Duration,
}

/// Hooks with the instances that they are to be called for; one without a live instance has no entry.
type Hooks = BTreeMap<ByName, Instances>;

/// The instances that were handed over.
#[derive(Default)]
pub(crate) struct Registry {
    /// By address. During a shutdown those too whose hooks have run: no instance is called for twice.
    managed: HashMap<usize, Managed>,
    /// The steps of the shutdown that are to be done.
    steps: BTreeMap<Key, Hooks>,
    /// What a reload calls, again and again.
    reloads: Hooks,
    /// In a shutdown: instances without a hook for it, which tasks may still use while they drain.
    kept: Vec<Instance>,
    count: u64,
    /// From the first moment of a shutdown until its end.
    stopping: bool,
    /// The step up to which the shutdown has come.
    reached: Option<Key>,
    /// What tests call instead of the hook of this name.
    #[cfg(feature = "test")]
    pub(crate) fault: Option<(&'static str, AsyncCall)>,
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
    /// Takes an instance; the same one twice is one. During a shutdown its hooks join what is still to be done. Returns
    /// its tasks, which are to be spawned.
    ///
    /// # Panics
    /// If the type has no hook; the message says what to write.
    #[track_caller]
    pub(crate) fn manage<T: Any + Send + Sync>(&mut self, instance: &Arc<T>) -> Vec<&'static ResolvedHook> {
        // No closure: the panic must name the caller's place.
        let Some(hooks) = hooks_of(TypeId::of::<T>()) else { no_hooks::<T>() };
        let instance: Instance = instance.clone();
        if !self.insert(&instance, hooks) {
            return Vec::new();
        }
        hooks.iter().copied().filter(|hook| matches!(hook.kind, HookKind::Task(_))).collect()
    }

    /// Takes what `hooks` are to be called for, unless it is known.
    pub(crate) fn insert(&mut self, instance: &Instance, hooks: &[&'static ResolvedHook]) -> bool {
        let number = self.count;
        match self.managed.entry(address(instance)) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => entry.insert(Managed { number, _pin: Arc::downgrade(instance) }),
        };
        self.count += 1;
        if self.stopping && !hooks.iter().any(|hook| matches!(hook.kind, HookKind::Stop)) {
            self.kept.push(instance.clone());
        }
        for hook in hooks {
            let hooks = match hook.kind {
                HookKind::Stop => self.steps.entry(hook.key()).or_default(),
                HookKind::Reload if !self.stopping => &mut self.reloads,
                HookKind::Reload | HookKind::Task(_) => continue,
            };
            hooks.entry(ByName(hook)).or_default().push(number, Some(instance.clone()));
        }
        true
    }

    /// Gives an instance back: hooks that have not been started for it will not be.
    pub(crate) fn release(&mut self, address: usize) -> bool {
        let Some(number) = self.managed.get(&address).map(|managed| managed.number) else { return false };
        let mut found = !self.stopping;
        for hooks in self.steps.values_mut().chain([&mut self.reloads]) {
            hooks.retain(|_, instances| {
                found |= instances.release(number);
                instances.live() > 0
            });
        }
        self.steps.retain(|_, hooks| !hooks.is_empty());
        // If a hook of it has run, or runs, it stays known: managed again, it would be called for twice.
        if found {
            self.managed.remove(&address);
        }
        found
    }

    /// From here on an instance is held by its pending hooks alone; one without any, until `take_kept`.
    pub(crate) fn begin(&mut self) {
        self.stopping = true;
        self.reached = None;
        let steps = &self.steps;
        let is_pending = |number| steps.values().flat_map(BTreeMap::values).any(|hook| hook.holds(number));
        let reloads = std::mem::take(&mut self.reloads).into_values();
        self.kept.extend(reloads.flat_map(|instances| instances.without(is_pending)));
        for hook in declared_hooks().filter(|hook| hook.hook.owner.is_none()) {
            let step = self.steps.entry(hook.key()).or_default();
            step.entry(ByName(hook)).or_default().push(0, None);
        }
    }

    /// The next step whose phase has at most this rank. One whose place has passed comes first, unless there is no time
    /// for those (`late` is false).
    pub(crate) fn next_step(&mut self, up_to_rank: i32, late: bool) -> Option<Step> {
        let from = self.reached.filter(|_| !late).map_or(Unbounded, Excluded);
        let key = *self.steps.range((from, Unbounded)).next()?.0;
        if !self.stopping || key.0 > up_to_rank {
            return None;
        }
        let hooks = self.steps.remove(&key)?;
        self.reached = self.reached.max(Some(key));
        let timeout = longest(&hooks);
        let hooks = hooks.into_iter().map(|(hook, instances)| (self.due(hook.0), instances.into_live()));
        Some(Step { hooks: hooks.collect(), timeout })
    }

    #[cfg(not(feature = "test"))]
    fn due(&self, hook: &'static ResolvedHook) -> &'static ResolvedHook {
        hook
    }

    /// With its fault.
    #[cfg(feature = "test")]
    fn due(&self, hook: &'static ResolvedHook) -> &'static ResolvedHook {
        match self.fault {
            Some((name, fault)) if name == hook.name => {
                Box::leak(Box::new(hook.with_call(Call::Async(fault))))
            }
            _ => hook,
        }
    }

    /// What is still to be done of the hooks marked `on_hang`, in the order of the plan; nobody else will do it.
    pub(crate) fn take_on_hang(&mut self) -> Vec<Due> {
        if !self.stopping {
            self.begin();
        }
        let marked: Vec<ByName> = self.steps.values().flat_map(BTreeMap::keys).copied().collect();
        let take =
            |hook: ByName| Some((hook.0, self.steps.get_mut(&hook.0.key())?.remove(&hook)?.into_live()));
        marked.into_iter().filter(|hook| hook.0.on_hang).filter_map(take).collect()
    }

    /// What a reload calls, by ascending order; nothing in a shutdown.
    pub(crate) fn reloads(&self) -> BTreeMap<i32, Vec<Due>> {
        let mut steps: BTreeMap<i32, Vec<Due>> = BTreeMap::new();
        if self.stopping {
            return steps;
        }
        let functions = declared(|kind| matches!(kind, HookKind::Reload));
        let functions = functions.filter(|hook| hook.hook.owner.is_none()).map(|hook| (hook, vec![None]));
        let methods = self.reloads.iter().map(|(hook, instances)| (hook.0, instances.to_live()));
        for (hook, instances) in functions.chain(methods) {
            steps.entry(hook.order).or_default().push((hook, instances));
        }
        steps
    }

    /// The sum of the timeouts of the steps of the plan that are still ahead.
    pub(crate) fn timeouts_ahead(&self) -> Duration {
        let ahead = self.steps.range((self.reached.map_or(Unbounded, Excluded), Unbounded));
        ahead.map(|(_, hooks)| longest(hooks)).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether nothing was managed since the last step was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What was kept for the tasks, once they have ended.
    pub(crate) fn take_kept(&mut self) -> Option<Vec<Instance>> {
        Some(std::mem::take(&mut self.kept)).filter(|kept| !kept.is_empty())
    }

    /// Ends the shutdown. Returns what is left, to be dropped where that may take its time; `None` if there is little, and no
    /// instance of the user's.
    pub(crate) fn close(&mut self) -> Option<impl Sized + Send + use<>> {
        self.stopping = false;
        let (steps, managed) = (std::mem::take(&mut self.steps), std::mem::take(&mut self.managed));
        let kept = self.take_kept();
        (!steps.is_empty() || kept.is_some() || managed.len() > FEW).then_some((steps, kept, managed))
    }

    /// Instances that are managed and not in a shutdown.
    pub(crate) fn len(&self) -> usize {
        if self.stopping { 0 } else { self.managed.len() }
    }

    pub(crate) fn plan(&self) -> Plan {
        let live = |hook| self.steps.get(&ResolvedHook::key(hook))?.get(&ByName(hook)).map(Instances::live);
        let declared = declared_hooks()
            .map(|hook| planned(hook, hook.hook.owner.map(|_| live(hook).unwrap_or_default())));
        let closures = self.steps.values().flatten().filter(|(hook, _)| hook.0.is_closure);
        let closures = closures.map(|(hook, instances)| planned(hook.0, Some(instances.live())));
        Plan::new(declared.chain(closures).collect(), planned_tasks())
    }
}

fn longest(hooks: &Hooks) -> Duration {
    hooks.keys().map(|hook| hook.0.timeout).max().unwrap_or_default()
}

fn planned_tasks() -> Vec<PlannedTask> {
    let tasks = declared(|kind| matches!(kind, HookKind::Task(_)));
    let planned = |task: &'static ResolvedHook| {
        let HookKind::Task(restart) = &task.kind else { return None };
        let max_restarts = restart.as_ref().map(|restart| restart.max_restarts);
        Some(PlannedTask { name: task.name, place: task.place, max_restarts })
    };
    tasks.filter_map(planned).collect()
}

fn planned(hook: &ResolvedHook, instances: Option<usize>) -> PlannedHook {
    let ResolvedHook { phase, order, name, timeout, place, .. } = *hook;
    PlannedHook { phase, order, name, timeout, place, instances }
}

#[track_caller]
fn no_hooks<T>() -> ! {
    let name = short_type_name(type_name::<T>());
    if type_name::<T>().starts_with("alloc::sync::Arc<") {
        misuse(&format!(
            "lifecycle::manage: `{name}` is in an `Arc` already: write `lifecycle::manage_arc(…)`, which takes the `Arc`"
        ));
    }
    misuse(&format!(
        "lifecycle::manage: `{name}` has no hook to call at shutdown: \
         write `#[lifecycle::component(order = 3, phase = \"disconnect\")]` on a method of `impl {name}`, \
         such as `async fn close(&self)`"
    ))
}
