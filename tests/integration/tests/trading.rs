//! The trading example from outside: a real process, its exit code, its summary and its database.

#[path = "../../../examples/trading/src/audit.rs"]
mod audit;
#[path = "trading/crashes.rs"]
mod crashes;
#[path = "trading/exchange.rs"]
mod exchange;
#[path = "trading/faults.rs"]
mod faults;
#[path = "trading/feed.rs"]
mod feed;
#[path = "trading/outages.rs"]
mod outages;
#[path = "trading/proxy.rs"]
mod proxy;
#[path = "trading/servers.rs"]
mod servers;
#[path = "trading/service.rs"]
mod service;
#[path = "trading/undisturbed.rs"]
mod undisturbed;

use std::fs;
use std::os::unix::fs::symlink;
use std::thread::sleep;
use std::time::Duration;

use lifecycle_tests::{Output, Service, documents};

use crate::service::{Database, folder, now_us, server, summary, trading, trading_in};

#[test]
fn days_end_with_a_summary_and_the_next_run_goes_on() {
    let first = trading(&["--days", "250", "--tick", "2ms"]).run().expect_code(0);
    assert!(first.stdout.contains("days          250 (2000-01-03 to 2000-12-27)"), "{}", first.stdout);
    for label in ["profit", "buy and hold", "equity"] {
        assert!(first.stdout.contains(label), "{}", first.stdout);
    }
    let database = Database::sqlite(first.folder.path());
    database.is_consistent();
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 250);
    assert_eq!(database.number("SELECT count(*) FROM orders"), summary(&first, "orders"));
    assert_eq!(database.number("SELECT count(*) FROM fills"), summary(&first, "fills"));
    assert!(summary(&first, "fills") >= 4, "{}", first.stdout);

    let second = trading_in(&first.folder, &["--days", "5", "--tick", "2ms"]).run().expect_code(0);
    assert!(second.stdout.contains("days          5 (2000-12-28 to "), "{}", second.stdout);
    database.is_consistent();
}

#[test]
fn ctrl_c_loses_no_tick_and_places_no_order() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    for run in 1..=5_u8 {
        let mut service = trading_in(&folder, &["--tick", "1ms"]).start();
        service.line("day 1:");
        sleep(Duration::from_millis(150) * u32::from(run));
        let signalled = now_us();
        service.signal(libc::SIGINT);
        let ended = service.wait().expect_code(0);
        phases_are_in_order(&ended);

        database.is_consistent();
        assert_eq!(database.number("SELECT count(*) FROM runs"), i64::from(run));
        let last = |what| database.number(&format!("SELECT {what} WHERE run = (SELECT max(id) FROM runs)"));
        assert_eq!(last("count(*) FROM ticks"), summary(&ended, "days"));
        assert_eq!(last("count(*) FROM orders"), summary(&ended, "orders"));
        // By the test's own clock too; the tick that was under way when the signal came may be finished.
        let late = format!("count(*) FROM orders WHERE placed_us > {}", signalled + 500_000);
        assert_eq!(database.number(&format!("SELECT {late}")), 0, "{}", ended.stderr);
    }
}

#[test]
fn a_hang_names_the_tick_and_its_await() {
    let hung = trading(&["--hang-after", "5"]).env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s").run().expect_code(1);
    assert!(hung.took >= Duration::from_secs(2), "{:?}", hung.took);
    let critical = hung.stderr.lines().find(|line| line.contains("CRITICAL 🚨 System Hang Detected"));
    let critical = critical.unwrap_or_else(|| panic!("{}", hung.stderr));
    let source = fs::read_to_string(documents::root().join("examples/trading/src/scheduler.rs")).unwrap();
    let line = 1 + source.lines().position(|line| line.contains("reply_that_never_comes().await")).unwrap();
    for part in ["scheduler::tick", &format!("examples/trading/src/scheduler.rs:{line}")] {
        assert!(critical.contains(part), "no {part}: {critical}");
    }
}

#[test]
fn crashes_restart_at_once_and_then_back_off() {
    let mut service = trading(&["--crash-after", "30", "--tick", "2ms"]).start();
    let database = Database::sqlite(service.folder());
    // Three restarts at once, so four runs; the crash of the fourth waits for a minute.
    service.line("waiting");
    assert_eq!(database.number("SELECT count(*) FROM runs"), 4);
    sleep(Duration::from_secs(2));
    assert_eq!(database.number("SELECT count(*) FROM runs"), 4, "the back-off does not hold");
    let ledger = fs::read_to_string(service.folder().join(".restart_count")).unwrap();
    assert_eq!(ledger.matches("as --crash-after said").count(), 4, "{ledger}");

    service.signal(libc::SIGTERM);
    let ended = service.wait().expect_code(0);
    assert_eq!(ended.stderr.matches("the client has said goodbye").count(), 4, "{}", ended.stderr);
    // Each run went on where the one before had crashed: no day is missing and none came twice.
    database.is_consistent();
}

#[test]
fn wrong_options_start_nothing() {
    let folder = folder();
    for (args, says) in [
        (["--days", "0"], "--days"),
        (["--tick", "0s"], "1ms to 10s"),
        (["--database-url", "mysql://x"], "postgres://"),
        (["--redis-url", "x"], "--redis-url"),
        (["--exchange-url", "127.0.0.1:9001"], "'127.0.0.1:9001'"),
        (["--exchange-url", "wss://x"], "write ws://HOST:PORT"),
        (["--exchange-url", "ws://x:99999/"], "write ws://HOST:PORT"),
        (["--exchange-url", "ws://me:secret@x/"], "write ws://HOST:PORT"),
    ] {
        let ended = trading_in(&folder, &args).run().expect_code(2);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was started");
    }
}

#[test]
fn a_second_service_on_one_database_is_refused() {
    let folder = folder();
    let mut first = trading_in(&folder, &[]).start();
    first.line("day 1:");
    // By another name.
    let other = folder.path().join("other.db");
    symlink(folder.path().join("trading-data/trading.db"), &other).unwrap();
    let url = format!("sqlite:{}", other.display());
    is_refused(trading(&["--database-url", &url]));
    first.signal(libc::SIGTERM);
    let _ = first.wait().expect_code(0);
    let database = Database::sqlite(folder.path());
    assert_eq!(database.number("SELECT count(*) FROM runs"), 1);

    let _ = trading(&["--database-url", &url, "--days", "1"]).run().expect_code(0);
    assert_eq!(database.number("SELECT count(*) FROM runs"), 2);
    database.is_consistent();
}

#[test]
fn a_second_service_on_one_postgres_is_refused() {
    let database = Database::postgres();
    let service = |args| trading(args).env("DATABASE_URL", &database.url);
    let mut first = service(&[]).start();
    first.line("day 1:");
    is_refused(service(&[]));
    assert_eq!(database.number("SELECT count(*) FROM runs"), 1);
    // What is left of a killed service is not in the way of the next one.
    first.signal(libc::SIGKILL);
    let _ = service(&["--days", "1"]).env("LIFECYCLE_RESTART", "off").run().expect_code(0);
}

#[test]
fn postgres_and_redis_take_the_place_of_files() {
    let (database, redis) = (Database::postgres(), format!("{}/8", server("TEST_REDIS_URL")));
    let folder = folder();
    let service =
        |args| trading_in(&folder, args).env("DATABASE_URL", &database.url).env("REDIS_URL", &redis);
    for _ in 0..2 {
        let ended = service(&["--days", "100", "--tick", "2ms"]).run().expect_code(0);
        assert_eq!(summary(&ended, "days"), 100);
    }
    let mut endless = service(&["--tick", "1ms"]).start();
    endless.line("day 1:");
    endless.signal(libc::SIGTERM);
    phases_are_in_order(&endless.wait().expect_code(0));
    database.is_consistent();
    assert!(database.number("SELECT count(*) FROM ticks") > 200);

    // A restart within the process takes the lock again at once.
    let mut crashing = service(&["--crash-after", "30", "--tick", "2ms"]).start();
    crashing.line("waiting");
    crashing.signal(libc::SIGTERM);
    let _ = crashing.wait().expect_code(0);
    database.is_consistent();
    assert_eq!(database.number("SELECT count(*) FROM runs"), 3 + 4);
    assert_eq!(fs::read_dir(folder.path().join("trading-data")).unwrap().count(), 0);
}

fn is_refused(service: Service) {
    let second = service.env("LIFECYCLE_RESTART", "off").run().expect_code(1);
    assert!(second.stderr.contains("is another service using it?"), "{}", second.stderr);
    assert!(second.took < Duration::from_secs(10), "{:?}", second.took);
}

/// By what the hooks themselves say, in the order in which they said it.
fn phases_are_in_order(ended: &Output) {
    let said = [
        "trading has stopped",
        "all ticks are written",
        "the exchange has said goodbye",
        "the snapshots are closed",
        "the database is closed",
    ];
    let places = said.map(|text| ended.stderr.find(text).unwrap_or(usize::MAX));
    assert!(places.is_sorted() && places[4] != usize::MAX, "{}", ended.stderr);
}
