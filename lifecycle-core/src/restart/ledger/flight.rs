//! What the flight recorder's last entry says about the end of its process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::last_seen::{LastSeen, Probably};
use crate::os::clock::Moment;
use crate::os::flight::{Entry, State};

/// `is_this_boot`: the machine was not started anew since. `group`: the control group of this process now, and how many of
/// its processes were killed for memory.
pub(crate) fn last_seen(
    entry: &Entry,
    now: &Moment,
    is_this_boot: bool,
    group: Option<(u64, u64)>,
) -> LastSeen {
    let wall = UNIX_EPOCH + Duration::from_millis(entry.wall_ms.min(253_402_300_799_000));
    // In this boot by the clock that nobody can set.
    let ago = now.since_boot_ms.checked_sub(entry.since_boot_ms).filter(|_| is_this_boot);
    let ago = ago.map_or_else(|| now.at.duration_since(wall).unwrap_or_default(), Duration::from_millis);
    let at = if is_this_boot { now.at.checked_sub(ago).unwrap_or(wall).max(UNIX_EPOCH) } else { wall };
    LastSeen {
        at: truncated(at),
        ago,
        probably: probably(entry, is_this_boot, group),
        memory: entry.memory,
        memory_limit: entry.memory_limit,
        rising: is_rising(entry),
        resident: entry.resident,
        memory_pressure: entry.pressure,
        descriptors: entry.descriptors,
        threads: entry.threads,
        heartbeat: clean(entry.heartbeat.as_str()),
        stale: Duration::from_millis(entry.stale_ms),
        state: state(entry),
        note: clean(entry.note.as_str()),
    }
}

/// As the ledger writes it.
fn truncated(at: SystemTime) -> SystemTime {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(0))
}

fn probably(entry: &Entry, is_this_boot: bool, group: Option<(u64, u64)>) -> Probably {
    let was_killed = group.is_some_and(|(group, kills)| group == entry.group && kills > entry.kills);
    let is_stale = entry.allowed_ms > 0 && entry.stale_ms.saturating_mul(2) >= entry.allowed_ms;
    match () {
        () if !is_this_boot => Probably::Reboot,
        () if was_killed || is_near_limit(entry) => Probably::OutOfMemory,
        () if is_stale => Probably::Frozen,
        () => Probably::Stopped,
    }
}

/// Nine tenths of it, or as much more as it grew in the last tick, twice, would reach it.
fn is_near_limit(entry: &Entry) -> bool {
    let Entry { memory, memory_before, memory_limit, .. } = *entry;
    let growth = if memory_before > 0 { memory.saturating_sub(memory_before) } else { 0 };
    memory_limit > 0
        && (memory >= memory_limit / 10 * 9
            || memory.saturating_add(growth.saturating_mul(2)) >= memory_limit)
}

fn is_rising(entry: &Entry) -> bool {
    entry.memory_before > 0 && entry.memory.saturating_sub(entry.memory_before) > entry.memory_limit / 100
}

fn state(entry: &Entry) -> String {
    let step = clean(entry.step.as_str());
    match entry.state {
        state if state == State::Starting as u32 => "starting".into(),
        state if state == State::Stopping as u32 && step.is_empty() => "stopping".into(),
        state if state == State::Stopping as u32 => format!("stopping: {step}"),
        _ => "running".into(),
    }
}

/// It goes into lines of the log.
fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::os::text::Text;

    const MIB: u64 = 1 << 20;

    fn entry() -> Entry {
        Entry {
            wall_ms: 1_700_000_000_000,
            since_boot_ms: 60_000,
            state: State::Running as u32,
            memory: 40 * MIB,
            memory_before: 40 * MIB,
            memory_limit: 512 * MIB,
            group: 7,
            allowed_ms: 60_000,
            stale_ms: 900,
            heartbeat: Text::of("tick"),
            ..Entry::default()
        }
    }

    fn seen(entry: &Entry, boot: bool, group: Option<(u64, u64)>) -> LastSeen {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_099);
        last_seen(entry, &Moment { at, boot: Some("b".into()), since_boot_ms: 74_000 }, boot, group)
    }

    #[test]
    fn what_it_died_of_is_told_apart() {
        for (what, entry, boot, group, expected) in [
            ("quiet", entry(), true, None, "all quiet, memory 40 of 512 MiB: probably killed by somebody"),
            (
                "full",
                Entry { memory: 497 * MIB, memory_before: 480 * MIB, ..entry() },
                true,
                None,
                "memory 497 of 512 MiB and rising: probably out of memory",
            ),
            (
                "just not full, and it was so for long",
                Entry { memory: 460 * MIB, memory_before: 460 * MIB, ..entry() },
                true,
                None,
                "all quiet, memory 460 of 512 MiB: probably killed by somebody",
            ),
            (
                "growing so fast that the next tick is beyond",
                Entry { memory: 300 * MIB, memory_before: 190 * MIB, ..entry() },
                true,
                None,
                "memory 300 of 512 MiB and rising: probably out of memory",
            ),
            (
                "a first tick",
                Entry { memory: 300 * MIB, memory_before: 0, ..entry() },
                true,
                None,
                "all quiet, memory 300 of 512 MiB: probably killed by somebody",
            ),
            ("counted", entry(), true, Some((7, 1)), "memory 40 of 512 MiB: probably out of memory"),
            (
                "counted before",
                Entry { kills: 1, ..entry() },
                true,
                Some((7, 1)),
                "all quiet, memory 40 of 512 MiB: probably killed by somebody",
            ),
            (
                "counted elsewhere",
                entry(),
                true,
                Some((8, 1)),
                "all quiet, memory 40 of 512 MiB: probably killed by somebody",
            ),
            (
                "stale",
                Entry { stale_ms: 30_000, ..entry() },
                true,
                None,
                "heartbeat `tick` had not beaten for 30s, memory 40 of 512 MiB: probably frozen",
            ),
            (
                "not half",
                Entry { stale_ms: 29_999, ..entry() },
                true,
                None,
                "all quiet, memory 40 of 512 MiB: probably killed by somebody",
            ),
            (
                "reboot",
                Entry { memory: 511 * MIB, ..entry() },
                false,
                None,
                "memory 511 of 512 MiB and rising: the machine was started anew since, so it probably went down with it",
            ),
            (
                "no limit, in its shutdown, with a note",
                Entry {
                    memory_limit: 0,
                    memory: 0,
                    memory_before: 0,
                    resident: 12 * MIB,
                    state: State::Stopping as u32,
                    step: Text::of("persist 3"),
                    note: Text::of("two\nlines"),
                    ..entry()
                },
                true,
                None,
                "all quiet, memory 12 MiB: probably killed by somebody; it was stopping: persist 3; last note: two lines",
            ),
        ] {
            assert_eq!(seen(&entry, boot, group).to_string(), expected, "{what}");
        }
    }

    #[test]
    fn in_one_boot_the_clock_on_the_wall_says_nothing_about_when() {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_085);
        let here = seen(&entry(), true, None);
        assert_eq!((here.ago, here.at), (Duration::from_secs(14), at));
        let elsewhere = seen(&entry(), false, None);
        assert_eq!(elsewhere.ago, Duration::from_secs(99));
        let numbers = Entry { wall_ms: u64::MAX, since_boot_ms: u64::MAX, memory: u64::MAX, ..entry() };
        for boot in [true, false] {
            assert_eq!(seen(&numbers, boot, None).ago, Duration::ZERO);
        }
    }

    proptest! {
        /// Whatever stood in the page: one line, which the ledger can keep and read again.
        #[test]
        fn any_entry_is_one_line_that_the_ledger_keeps(
            numbers in vec(any::<u64>(), 12), note in "\\PC*|[\\x00-\\x1f]{1,9}", boot in any::<bool>(),
        ) {
            let entry = Entry {
                wall_ms: numbers[0],
                since_boot_ms: numbers[1],
                resident: numbers[2],
                memory: numbers[3],
                memory_before: numbers[4],
                memory_limit: numbers[5],
                group: numbers[6],
                kills: numbers[7],
                pressure: numbers[8],
                descriptors: numbers[9],
                stale_ms: numbers[10],
                allowed_ms: numbers[11],
                note: Text::of(&note),
                ..entry()
            };
            let seen = seen(&entry, boot, Some((numbers[6], numbers[11])));
            prop_assert_eq!(seen.to_string().lines().count(), 1);
            let json = serde_json::to_string(&seen).expect("numbers and texts");
            let read: LastSeen = serde_json::from_str(&json).expect("what was written");
            prop_assert_eq!(read.to_string(), seen.to_string());
        }
    }
}
