//! The instances of one hook, in the order in which they were managed.

use crate::components::declaration::Instance;

/// What a hook is to be called for.
#[derive(Default)]
pub(super) struct Instances {
    /// Counts the instances in the order in which they were managed, so ascending.
    numbers: Vec<u64>,
    /// `None` was given back; for a free function it is what it is called for.
    instances: Vec<Option<Instance>>,
    released: usize,
}

impl Instances {
    pub(super) fn push(&mut self, number: u64, instance: Option<Instance>) {
        self.numbers.push(number);
        self.instances.push(instance);
    }

    pub(super) fn live(&self) -> usize {
        self.instances.len() - self.released
    }

    /// Those that are left, except the excluded ones, in their order.
    pub(super) fn without(self, is_excluded: impl Fn(u64) -> bool) -> impl Iterator<Item = Instance> {
        let live = self.numbers.into_iter().zip(self.instances);
        live.filter(move |(number, _)| !is_excluded(*number)).filter_map(|(_, instance)| instance)
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// Empties a place; half of them empty are closed up, so a release costs no move of the others.
    pub(super) fn release(&mut self, number: u64) -> bool {
        let Ok(index) = self.numbers.binary_search(&number) else { return false };
        let released = self.instances[index].take().is_some();
        self.released += usize::from(released);
        if self.released * 2 > self.instances.len() {
            self.close_up();
        }
        released
    }

    /// Those that are left, in their order.
    pub(super) fn into_live(mut self) -> Vec<Option<Instance>> {
        self.close_up();
        self.instances
    }

    /// A copy of those that are left, in their order.
    pub(super) fn to_live(&self) -> Vec<Option<Instance>> {
        self.instances.iter().filter(|instance| instance.is_some()).cloned().collect()
    }

    fn close_up(&mut self) {
        // Never for a free function, of which nothing is released.
        if self.released > 0 {
            let mut live = self.instances.iter().map(Option::is_some);
            self.numbers.retain(|_| live.next() == Some(true));
            self.instances.retain(Option::is_some);
            self.released = 0;
        }
    }
}
