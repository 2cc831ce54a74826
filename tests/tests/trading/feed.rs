//! A connection that is dead without a word, and a market that is merely quiet.

use std::thread::sleep;
use std::time::Duration;

use crate::service::{Database, trading};

#[test]
fn a_feed_that_falls_silent_is_given_up() {
    let mut service = trading(&["--tick", "2ms", "--mute-after", "30", "--feed-timeout", "400ms"]).start();
    let database = Database::sqlite(service.folder());
    // Three restarts at once, each of which gets a few days; the fourth failure waits for a minute.
    service.line("waiting");
    service.signal(libc::SIGTERM);
    // The dead connection has not made the shutdowns late.
    let ended = service.wait().expect_code(0);
    assert_eq!(
        ended.stderr.matches("Error: the exchange has been silent for").count(),
        4,
        "{}",
        ended.stderr
    );
    database.is_consistent();
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 4 * 30);
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
