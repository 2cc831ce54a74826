//! Whatever ends the service, the next run goes on as if nothing had happened.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use lifecycle_tests::Service;
use tempfile::TempDir;

use crate::service::{Database, folder, now_us, server, trading_in};
use crate::undisturbed::{ticks, trades};

#[test]
fn kill_9_at_any_moment_loses_and_doubles_nothing() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    kill_again_and_again(15, || endless(&folder));
    ends_as_if_undisturbed(&database, endless(&folder));
}

#[test]
fn kill_9_at_any_moment_loses_and_doubles_nothing_in_postgres() {
    let folder = folder();
    let database = Database::postgres();
    let service = || endless(&folder).env("DATABASE_URL", &database.url);
    kill_again_and_again(10, service);
    ends_as_if_undisturbed(&database, service());
}

#[test]
fn a_hang_loses_and_doubles_nothing() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    for _ in 0..2 {
        let service = endless(&folder).args(["--hang-after", "150"]);
        let hung = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s").run().expect_code(1);
        assert!(hung.stderr.contains("System Hang Detected"), "{}", hung.stderr);
    }
    ends_as_if_undisturbed(&database, endless(&folder));
}

#[test]
fn what_could_not_be_written_is_not_lost() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    let _ = endless(&folder).args(["--days", "370"]).run().expect_code(0);
    database
        .execute("CREATE TRIGGER full BEFORE INSERT ON ticks BEGIN SELECT RAISE(ABORT, 'disk full'); END");

    // A full batch (without an order in it: none is placed from day 361 to day 446), and the flush of a run that was well.
    let batch = endless(&folder).run().expect_code(1);
    let mut slow = trading_in(&folder, &["--tick", "200ms"]).start();
    slow.line("day 1:");
    slow.signal(libc::SIGTERM);
    let flush = slow.wait().expect_code(1);
    for ended in [batch, flush] {
        assert!(ended.stderr.contains("disk full"), "{}", ended.stderr);
    }
    database.is_complete();
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 370);

    database.execute("DROP TRIGGER full");
    ends_as_if_undisturbed(&database, endless(&folder));
}

#[test]
fn days_that_come_again_are_not_doubled() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    let days = |days| endless(&folder).args(["--days", days]).run().expect_code(0);
    let _ = days("60");
    database.execute("CREATE TABLE earlier AS SELECT * FROM state");
    let _ = days("60");
    // As after a commit whose answer was lost: the days are there, and the service does not know it.
    database.execute("DELETE FROM state; INSERT INTO state SELECT * FROM earlier");
    let _ = days("160");
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 60 + 160);
    ends_as_if_undisturbed(&database, endless(&folder));
}

#[test]
fn a_lost_connection_to_postgres_loses_and_doubles_nothing() {
    let folder = folder();
    let database = Database::postgres();
    let service = || trading_in(&folder, &["--tick", "1ms"]).env("DATABASE_URL", &database.url);
    let mut running = service().start();
    running.line("day 1:");
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    running.line("crash 1 of 3");
    // The lock is gone with the connection, so it is there to be taken again.
    running.line("day 1:");
    running.signal(libc::SIGKILL);
    let _ = running.wait();
    ends_as_if_undisturbed(&database, service().env("LIFECYCLE_RESTART", "off"));
}

#[test]
fn a_redis_that_forgets_or_remembers_the_past_changes_nothing() {
    let folder = folder();
    let database = Database::sqlite(folder.path());
    // A database of its own on the server of all tests.
    let url = format!("{}/7", server("TEST_REDIS_URL"));
    let mut redis = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let service = |days| endless(&folder).args(["--days", days]).env("REDIS_URL", &url);
    let account = |redis: &mut redis::Connection| -> Option<String> {
        redis::cmd("GET").arg("trading:account").query(redis).unwrap()
    };

    let _ = service("100").run().expect_code(0);
    let past = account(&mut redis).expect("it is published");
    assert!(past.contains("\"next\":100,"), "{past}");
    redis::cmd("FLUSHDB").exec(&mut redis).unwrap();
    let _ = service("50").run().expect_code(0);
    redis::cmd("SET").arg("trading:account").arg(past).exec(&mut redis).unwrap();
    let _ = service("50").run().expect_code(0);
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 200);
    database.is_consistent();
    assert!(account(&mut redis).unwrap().contains("\"next\":200,"));

    let without = endless(&folder).args(["--days", "50"]).env("REDIS_URL", "redis://127.0.0.1:1").run();
    let without = without.expect_code(0);
    assert!(without.stderr.contains("cannot reach Redis"), "{}", without.stderr);
    assert_eq!(database.number("SELECT count(*) FROM ticks"), 250);
}

/// A day every millisecond. Each failure is the end: it is the test that starts the service again.
fn endless(folder: &Arc<TempDir>) -> Service {
    trading_in(folder, &["--tick", "1ms"]).env("LIFECYCLE_RESTART", "off")
}

/// `KILLS=100` is for a campaign by hand.
fn kill_again_and_again(times: u64, service: impl Fn() -> Service) {
    let times = std::env::var("KILLS").map_or(times, |times| times.parse().unwrap());
    for _ in 0..times {
        let running = service().start();
        // From before the first connection to well into the trading; the clock is random enough.
        sleep(Duration::from_micros(now_us().unsigned_abs().wrapping_mul(2_654_435_761) % 400_000));
        running.signal(libc::SIGKILL);
        assert_eq!(running.wait().code, 128 + libc::SIGKILL);
    }
}

/// The service goes on in peace, and its database is then that of one that was never disturbed.
fn ends_as_if_undisturbed(database: &Database, service: Service) {
    database.is_complete();
    let _ = service.args(["--days", "100"]).run().expect_code(0);
    database.is_complete();

    let folder = folder();
    let days = database.number("SELECT count(*) FROM ticks");
    let _ = endless(&folder).args(["--days", &days.to_string()]).run().expect_code(0);
    let undisturbed = Database::sqlite(folder.path());
    let runs = database.number("SELECT count(*) FROM runs");
    println!("{days} days in {runs} runs, {} fills", database.number("SELECT count(*) FROM fills"));
    assert_eq!(ticks(database), ticks(&undisturbed));
    assert_eq!(trades(database), trades(&undisturbed));
    let account = |database: &Database| database.rows::<(i64, String)>("SELECT next, account FROM state");
    assert_eq!(account(database), account(&undisturbed));
}
