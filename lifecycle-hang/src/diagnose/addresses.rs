//! The addresses that a report needs names for.

use crate::dump::{Facts, Walk, Walks};

/// As many as most reports have.
pub(super) const ADDRESSES: usize = 4096;

/// The addresses of all frames, sorted, each once; of very many the first.
pub(super) fn gather<'a>(walks: &Walks, facts: &Facts, addresses: &'a mut [u64; ADDRESSES]) -> &'a [u64] {
    let threads = walks.threads[..facts.threads as usize].iter().flat_map(Walk::addresses);
    let tasks = walks.tasks[..facts.tasks as usize].iter();
    let tasks = tasks.flat_map(|task| (0..task.leaves()).flat_map(|leaf| task.addresses(leaf)));
    let mut count = 0;
    for address in threads.chain(tasks) {
        if count == ADDRESSES {
            count = unique(addresses);
        }
        if let Some(slot) = addresses.get_mut(count) {
            *slot = address;
            count += 1;
        }
    }
    let count = unique(&mut addresses[..count]);
    &addresses[..count]
}

/// Sorts, and moves each address to the front once; returns how many there are.
fn unique(addresses: &mut [u64]) -> usize {
    addresses.sort_unstable();
    let mut count = 0;
    for index in 0..addresses.len() {
        if count == 0 || addresses[index] != addresses[count - 1] {
            addresses[count] = addresses[index];
            count += 1;
        }
    }
    count
}
