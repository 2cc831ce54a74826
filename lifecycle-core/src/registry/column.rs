//! The instances of one hook, in the order in which they were managed.

use crate::component::Instance;
use crate::work::Slot;

/// What a hook is to be called for. Kept as the shutdown will use it: then there is nothing to be built.
#[derive(Default)]
pub(super) struct Column {
    /// Counts the instances in the order in which they were managed, so ascending.
    pub(super) numbers: Vec<u64>,
    pub(super) slots: Vec<Slot>,
    /// Slots whose instance was given back.
    dead: usize,
}

impl Column {
    pub(super) fn push(&mut self, number: u64, instance: Option<Instance>) {
        self.numbers.push(number);
        self.slots.push(Slot::new(instance));
    }

    pub(super) fn live(&self) -> usize {
        self.slots.len() - self.dead
    }

    /// Empties a slot; the column is closed up once half of it is empty, so a release costs no move of the others.
    pub(super) fn release(&mut self, index: usize) -> bool {
        let released = self.slots[index].while_waiting(Option::take).flatten().is_some();
        self.dead += usize::from(released);
        if self.dead * 2 > self.slots.len() {
            self.close_up();
        }
        released
    }

    pub(super) fn close_up(&mut self) {
        if self.dead > 0 {
            let is_live = |slot: &Slot| slot.while_waiting(|instance| instance.is_some()) == Some(true);
            let mut live = self.slots.iter().map(is_live);
            self.numbers.retain(|_| live.next() == Some(true));
            self.slots.retain(is_live);
            self.dead = 0;
        }
    }
}
