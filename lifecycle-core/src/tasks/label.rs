//! A task's name and place, to be read at any moment without a lock.

use std::panic::Location;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::model::place::Place;
use crate::os::atomic_ref::AtomicRef;
use crate::os::text::{Text, prefix};

/// Bytes of a task's name that reports show.
pub(crate) const NAME: usize = 48;

/// Where a task comes from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    SpawnedAt(&'static Location<'static>),
    DeclaredAt(&'static Place),
}

impl Origin {
    pub(crate) fn place(self) -> Place {
        match self {
            Origin::SpawnedAt(location) => Place::of(location),
            Origin::DeclaredAt(place) => *place,
        }
    }
}

#[derive(Default)]
pub(super) struct Label {
    name: [AtomicU64; NAME / 8],
    /// Where it was spawned, or declared: whichever is not null.
    spawned: AtomicRef<Location<'static>>,
    declared: AtomicRef<Place>,
}

impl Label {
    /// For a new task, without a place.
    // Word by word: a reader that comes in between shows a mixed name, and nothing worse.
    pub(super) fn set(&self, name: &str) {
        let mut words = [[0; 8]; NAME / 8];
        let cut = prefix(name, NAME).as_bytes();
        words.as_flattened_mut()[..cut.len()].copy_from_slice(cut);
        for (slot, word) in self.name.iter().zip(words) {
            slot.store(u64::from_ne_bytes(word), Relaxed);
        }
        self.spawned.store(None);
        self.declared.store(None);
    }

    pub(super) fn set_origin(&self, origin: Origin) {
        match origin {
            Origin::SpawnedAt(location) => self.spawned.store(Some(location)),
            Origin::DeclaredAt(place) => self.declared.store(Some(place)),
        }
    }

    pub(super) fn name(&self) -> Text<NAME> {
        let words = self.name.each_ref().map(|word| word.load(Relaxed).to_ne_bytes());
        let bytes = words.as_flattened();
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(NAME);
        Text::of(std::str::from_utf8(&bytes[..len]).unwrap_or("?"))
    }

    pub(super) fn place(&self) -> Option<Place> {
        self.declared.load().copied().or(self.spawned.load().map(Place::of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PLACE: Place = Place { file: "src/pool.rs", line: 7 };

    #[test]
    fn a_reader_in_between_sees_a_mixed_name_and_nothing_worse() {
        let label = Label::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..100 {
                    label.set(if round % 2 == 0 { "aaaaaaaaaaaaaaaa" } else { "Ü" });
                    label.set_origin(Origin::SpawnedAt(Location::caller()));
                    label.set_origin(Origin::DeclaredAt(&PLACE));
                }
            });
            for _ in 0..100 {
                let name = label.name();
                assert!(name.as_str().chars().all(|char| "aÜ?".contains(char)), "{}", name.as_str());
                let files = [None, Some(file!()), Some(PLACE.file)];
                assert!(files.contains(&label.place().map(|place| place.file)));
            }
        });
        assert_eq!(label.name().as_str(), "Ü");
        assert_eq!(label.place().map(|place| place.line), Some(7), "a declaration says more than a spawn");
    }

    #[test]
    fn a_long_name_is_cut() {
        let label = Label::default();
        label.set(&"ab".repeat(NAME));
        assert_eq!(label.name().as_str(), "ab".repeat(NAME / 2));
    }
}
