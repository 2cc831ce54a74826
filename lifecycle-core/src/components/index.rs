//! Every hook that was declared at link time, by name and by type.

use std::any::TypeId;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

#[cfg(feature = "test")]
use super::declaration::Call;
use super::declaration::{Hook, HookDeclaration, HookKind};
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::model::plan::short_type_name;

/// A declared hook with its name.
pub(crate) struct ResolvedHook {
    pub(crate) kind: HookKind,
    pub(crate) name: &'static str,
    pub(crate) phase: Phase,
    pub(crate) order: i32,
    pub(crate) timeout: Duration,
    /// Called before a hang ends the process, too.
    pub(crate) on_hang: bool,
    pub(crate) place: Place,
    pub(crate) hook: Hook,
    /// Made by `on_stop`, and not declared.
    pub(crate) is_closure: bool,
}

/// Steps are run by ascending key: rank and name of the phase, order.
pub(crate) type Key = (i32, &'static str, i32);

impl ResolvedHook {
    pub(crate) fn key(&self) -> Key {
        (self.phase.rank(), self.phase.name(), self.order)
    }

    /// The same with another thing to call.
    #[cfg(feature = "test")]
    pub(super) fn with_call(&self, call: Call) -> ResolvedHook {
        let ResolvedHook { kind, name, phase, order, timeout, place, is_closure, .. } = *self;
        let hook = Hook { owner: self.hook.owner, call };
        ResolvedHook { kind, name, phase, order, timeout, on_hang: false, place, hook, is_closure }
    }

    /// Whether both are one declaration.
    pub(crate) fn is_same(&self, other: &ResolvedHook) -> bool {
        std::ptr::eq(self, other) || (self.name, self.place) == (other.name, other.place)
    }
}

/// A hook in the order of the plan: to the last tie by the place in the source, since the order of linking differs
/// between builds.
#[derive(Clone, Copy)]
pub(crate) struct ByName(pub(crate) &'static ResolvedHook);

impl ByName {
    fn key(&self) -> (Key, &str, &str, u32, *const ResolvedHook) {
        let ResolvedHook { name, place, .. } = self.0;
        (self.0.key(), name, place.file, place.line, self.0)
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        if std::ptr::eq(self.0, other.0) { Ordering::Equal } else { self.key().cmp(&other.key()) }
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for ByName {}

/// What was linked.
struct Index {
    /// Sorted as the plan is.
    all: Vec<&'static ResolvedHook>,
    by_type: HashMap<TypeId, Vec<&'static ResolvedHook>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    // Leaked: they live as long as what declares them, which is static.
    let resolved =
        inventory::iter::<HookDeclaration>.into_iter().map(|hook| &*Box::leak(Box::new(resolve(hook))));
    let mut all: Vec<&ResolvedHook> = resolved.collect();
    all.sort_by_key(|hook| ByName(hook));
    let mut by_type: HashMap<TypeId, Vec<&ResolvedHook>> = HashMap::new();
    for hook in &all {
        if let Some(owner) = hook.hook.owner {
            by_type.entry(owner.id).or_default().push(hook);
        }
    }
    Index { all, by_type }
});

fn resolve(declaration: &HookDeclaration) -> ResolvedHook {
    let hook = (declaration.hook)();
    let name = match (declaration.name, hook.owner) {
        (Some(name), _) => name,
        // Made once for each hook of the program.
        (None, Some(owner)) => format!("{}::{}", short_type_name(owner.name), declaration.function).leak(),
        (None, None) => declaration.function,
    };
    let HookDeclaration { kind, phase, order, timeout, on_hang, place, .. } = *declaration;
    ResolvedHook { kind, name, phase, order, timeout, on_hang, place, hook, is_closure: false }
}

/// Every declared hook of the shutdown, in the order of the plan.
pub(crate) fn declared_hooks() -> impl Iterator<Item = &'static ResolvedHook> {
    declared(|kind| matches!(kind, HookKind::Stop))
}

/// Every declared hook whose kind is picked.
pub(crate) fn declared(picked: impl Fn(&HookKind) -> bool) -> impl Iterator<Item = &'static ResolvedHook> {
    INDEX.all.iter().copied().filter(move |hook| picked(&hook.kind))
}

/// The hooks of a type, of any kind.
pub(super) fn hooks_of(owner: TypeId) -> Option<&'static [&'static ResolvedHook]> {
    INDEX.by_type.get(&owner).map(Vec::as_slice)
}
