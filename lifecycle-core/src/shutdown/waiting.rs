//! What a shutdown that takes its time waits for, logged every few seconds.

use std::time::{Duration, Instant};

use crate::model::place::Place;
use crate::os::clock::Clock;
use crate::os::log::{self, Level};
use crate::tasks::work::Work;

/// An operator who waits wonders after about as long.
const INTERVAL: Duration = Duration::from_secs(3);

/// Names in one line.
const LISTED: usize = 5;

/// When something was said last.
pub(super) struct Waiting {
    clock: Clock,
    next: Instant,
}

impl Waiting {
    pub(super) fn new(clock: Clock) -> Waiting {
        Waiting { clock, next: clock.now() + INTERVAL }
    }

    pub(super) fn until_next(&self) -> Duration {
        self.next.saturating_duration_since(self.clock.now())
    }

    /// Says what is waited for, if it is time to. `left` is the time to the deadline.
    pub(super) fn say(&mut self, left: Duration, names: impl FnOnce() -> Vec<String>) {
        if !self.until_next().is_zero() {
            return;
        }
        self.next = self.clock.now() + INTERVAL;
        let names = names();
        if !names.is_empty() {
            let seconds = left.as_secs();
            log::say_later(Level::Notice, format!("{seconds} s left, waiting for {}", list(&names)));
        }
    }
}

/// `task feed at src/feed.rs:88`.
pub(super) fn named(kind: &str, name: &str, place: Option<Place>) -> String {
    place.map_or_else(|| format!("{kind} `{name}`"), |place| format!("{kind} `{name}` at {place}"))
}

/// `3 under way (oldest `POST /orders` at src/api.rs:7, 12 s)`.
pub(super) fn under_way(work: &[Work]) -> Option<String> {
    let oldest = work.first()?;
    let named = named("", &oldest.what, Some(oldest.place));
    Some(format!("{} under way (oldest{named}, {} s)", work.len(), oldest.age().as_secs()))
}

fn list(names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let listed = names[..names.len() - more].join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_names_are_listed_and_the_others_counted() {
        let names: Vec<String> = (1..=7).map(|n| format!("task {n}")).collect();
        assert_eq!(list(&names[..2]), "task 1, task 2");
        assert_eq!(list(&names), "task 1, task 2, task 3, task 4, task 5 and 2 more");
        let place = Some(Place { file: "src/feed.rs", line: 88 });
        assert_eq!(named("task", "feed", place), "task `feed` at src/feed.rs:88");
    }
}
