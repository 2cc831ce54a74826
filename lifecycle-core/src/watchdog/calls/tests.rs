use std::sync::mpsc::channel;

use super::*;
use crate::watchdog::heartbeat::Arm;

const PLACE: Place = Place { file: "src/feed.rs", line: 7 };

fn its(heartbeat: &'static Heartbeat) -> Vec<&'static Slot> {
    let is_its = |slot: &&Slot| slot.heartbeat(0).is_some_and(|its| std::ptr::eq(its, heartbeat));
    under_way().filter(is_its).collect()
}

fn call(heartbeat: &'static Heartbeat, run: u32) -> &'static Slot {
    begin(heartbeat, run, Caller { task: 0, thread: 0, as_one: false })
}

fn groups() -> usize {
    let own = thread_id();
    GROUPS.iter().filter(|group| group.owner.load(Relaxed) == own).count()
}

#[test]
fn calls_are_seen_while_they_are_under_way_and_slots_are_used_again() {
    static FEED: Heartbeat = Heartbeat::declare("feed", None, Arm::Call, PLACE);
    std::thread::spawn(|| {
        let mut calls: Vec<_> = (0..1000).map(|_| call(&FEED, 0)).collect();
        assert_eq!(its(&FEED).len(), 1000);
        let count = groups();
        for round in 0..100 {
            calls.drain(..).for_each(Slot::end);
            assert!(its(&FEED).is_empty(), "{round}");
            calls.extend((0..1000).map(|_| call(&FEED, 0)));
            assert_eq!(its(&FEED).len(), 1000, "{round}");
        }
        calls.drain(..).for_each(Slot::end);
        assert_eq!(groups(), count, "a slot was lost");
    })
    .join()
    .expect("no assertion failed");
}

/// Begun on one thread and ended on another, over and over.
#[test]
fn calls_that_end_on_another_thread_leave_their_room() {
    static FEED: Heartbeat = Heartbeat::declare("feed", None, Arm::Call, PLACE);
    let (begun, ends) = channel::<&'static Slot>();
    let ender = std::thread::spawn(move || ends.iter().for_each(Slot::end));
    let beginner = std::thread::spawn(move || {
        for _ in 0..20_000 {
            begun.send(call(&FEED, 0)).expect("the other thread lives");
            while its(&FEED).len() > 500 {
                std::thread::yield_now();
            }
        }
        groups()
    });
    let groups = beginner.join().expect("no panic");
    ender.join().expect("no panic");
    assert!(its(&FEED).is_empty());
    assert!(groups <= 40, "{groups} groups for 500 calls");
}

/// Threads that have ended leave their groups to others.
#[test]
fn a_thread_that_ends_leaves_its_groups() {
    static FEED: Heartbeat = Heartbeat::declare("feed", None, Arm::Call, PLACE);
    let one = || {
        let call = call(&FEED, 0);
        call.end();
        groups()
    };
    for _ in 0..100 {
        std::thread::spawn(one).join().expect("no panic");
    }
    assert!(GROUPS.iter().count() < 300, "{}", GROUPS.iter().count());
}

#[test]
fn what_an_earlier_run_left_behind_is_not_seen() {
    static FEED: Heartbeat = Heartbeat::declare("feed", None, Arm::Call, PLACE);
    let (old, new) = (call(&FEED, 1), call(&FEED, 2));
    let seen = |run: u32| [old, new].map(|call| call.heartbeat(run).is_some());
    assert_eq!((seen(2), seen(3)), ([false, true], [false, false]));
    old.end();
    new.end();
    assert_eq!(seen(2), [false, false]);
}
