//! A connection that is dead without a word, and a market that is merely quiet.

use std::thread::sleep;
use std::time::Duration;

use lifecycle_tests::{Service, ledger};

use crate::service::{Database, trading};

fn mute() -> Service {
    trading(&["--tick", "2ms", "--mute-after", "30", "--feed-timeout", "400ms"])
}

#[test]
fn a_feed_that_falls_silent_is_connected_anew_alone() {
    let mut service = mute().start();
    let database = Database::sqlite(service.folder());
    service.line("task `WebSocketManager::feed`");
    service.line("restart 2 of 3");
    service.line("restart 3 of 3");
    service.signal(libc::SIGTERM);
    // The dead connection has not made the shutdown late.
    let ended = service.wait().expect_code(0);
    assert!(!ended.stderr.contains("Error:"), "main went on: {}", ended.stderr);
    assert_eq!(ledger::crashes(ended.folder.path()), 0);
    database.is_consistent();
    let days = database.number("SELECT count(*) FROM ticks");
    assert!((90..=120).contains(&days), "{days}");
}

#[test]
fn a_feed_that_stays_silent_ends_the_run() {
    let mut service = mute().start();
    service.line("restart 3 of 3");
    service.line(
        "the run failed: task `WebSocketManager::feed` failed: the exchange has been silent for 400.0ms",
    );
    service.line("crash 1 of 3");
    service.line("restart 1 of 3");
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_quiet_market_is_neither_a_dead_feed_nor_a_hang() {
    let service = trading(&["--tick", "10s", "--feed-timeout", "600ms"]);
    let mut service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s").start();
    service.line("day 1:");
    sleep(Duration::from_secs(4));
    service.signal(libc::SIGTERM);
    let ended = service.wait().expect_code(0);
    assert!(!ended.stderr.contains("silent"), "{}", ended.stderr);
}
