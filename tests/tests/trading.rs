//! The trading example from outside: a real process, its exit code, its summary and its database.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use lifecycle_tests::programs::program;
use lifecycle_tests::{Output, Service, documents};
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

#[test]
fn days_end_with_a_summary_and_the_next_run_goes_on() {
    let first = trading(&["--days", "250", "--tick", "2ms"]).run().expect_code(0);
    assert!(first.stdout.contains("days          250 (2000-01-03 to 2000-12-27)"), "{}", first.stdout);
    for label in ["profit", "buy and hold", "equity"] {
        assert!(first.stdout.contains(label), "{}", first.stdout);
    }
    let database = Database::sqlite(&first.folder);
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
    let folder = Arc::new(TempDir::new().unwrap());
    let database = Database::sqlite(&folder);
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
    let database = Database::sqlite_in(service.folder());
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
    let days = database.number("SELECT count(*) FROM ticks");
    assert_eq!(days, database.number("SELECT max(seq) + 1 FROM ticks"));
}

#[test]
fn wrong_options_start_nothing() {
    let folder = Arc::new(TempDir::new().unwrap());
    for (args, says) in [
        (["--days", "0"], "--days"),
        (["--tick", "0s"], "1ms to 10s"),
        (["--database-url", "mysql://x"], "postgres://"),
        (["--redis-url", "x"], "--redis-url"),
    ] {
        let ended = trading_in(&folder, &args).run().expect_code(2);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was started");
    }
}

#[test]
fn a_second_service_on_one_folder_is_told_so() {
    let mut first = trading(&[]).start();
    first.line("day 1:");
    let folder = first.folder().join("trading-data");
    let second = trading(&["--data-dir", folder.to_str().unwrap()]);
    let second = second.env("LIFECYCLE_RESTART", "off").run().expect_code(1);
    assert!(second.stderr.contains("is another service using this folder?"), "{}", second.stderr);
    first.signal(libc::SIGTERM);
    let _ = first.wait().expect_code(0);
}

#[test]
fn postgres_and_redis_take_the_place_of_the_embedded_stores() {
    let server =
        |name| std::env::var(name).unwrap_or_else(|_| panic!("{name}: run `./test`, which starts it"));
    let (postgres, redis) = (server("TEST_DATABASE_URL"), server("TEST_REDIS_URL"));
    let folder = Arc::new(TempDir::new().unwrap());
    let service = |args| trading_in(&folder, args).env("DATABASE_URL", &postgres).env("REDIS_URL", &redis);
    let database = Database { url: postgres.clone(), since: now_us() };
    for _ in 0..2 {
        let ended = service(&["--days", "100", "--tick", "2ms"]).run().expect_code(0);
        assert_eq!(summary(&ended, "days"), 100);
    }
    let mut endless = service(&["--tick", "1ms"]).start();
    endless.line("day 1:");
    endless.signal(libc::SIGTERM);
    phases_are_in_order(&endless.wait().expect_code(0));

    database.is_consistent();
    // Each run went on where the one before had ended, and only Redis could tell it.
    let runs = format!("FROM ticks WHERE run >= {}", database.since);
    let days = database.number(&format!("SELECT count(*) {runs}"));
    assert!(days > 200);
    assert_eq!(database.number(&format!("SELECT max(seq) - min(seq) + 1 {runs}")), days);
    assert_eq!(fs::read_dir(folder.path().join("trading-data")).unwrap().count(), 0);
}

fn trading(args: &[&str]) -> Service {
    trading_in(&Arc::new(TempDir::new().unwrap()), args)
}

fn trading_in(folder: &Arc<TempDir>, args: &[&str]) -> Service {
    args.iter().fold(Service::inside(program("trading"), folder.clone()), Service::arg)
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as i64
}

/// The number behind a label of the summary.
fn summary(ended: &Output, label: &str) -> i64 {
    let number =
        ended.stdout.lines().find_map(|line| line.trim().strip_prefix(label)?.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {label}: {}", ended.stdout))
}

/// By what the hooks themselves say, in the order in which they said it.
fn phases_are_in_order(ended: &Output) {
    let said = [
        "trading has stopped",
        "ticks are written",
        "the exchange has said goodbye",
        "the snapshots are closed",
        "the database is closed",
    ];
    let places = said.map(|text| ended.stderr.find(text).unwrap_or(usize::MAX));
    assert!(places.is_sorted() && places[4] != usize::MAX, "{}", ended.stderr);
}

struct Database {
    url: String,
    /// Earlier runs are somebody else's.
    since: i64,
}

impl Database {
    fn sqlite(folder: &TempDir) -> Database {
        Database::sqlite_in(folder.path())
    }

    fn sqlite_in(folder: &Path) -> Database {
        Database { url: format!("sqlite://{}/trading-data/trading.db", folder.display()), since: 0 }
    }

    fn number(&self, sql: &str) -> i64 {
        sqlx::any::install_default_drivers();
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = AnyConnection::connect(&self.url).await.unwrap();
            let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            number
        })
    }

    /// What holds for every run that ended in order.
    fn is_consistent(&self) {
        for (rule, broken) in [
            ("a run notes its stop", "FROM runs r WHERE stopped_us IS NULL"),
            ("a run has every tick it accepted", "FROM runs r WHERE ticks <> (SELECT count(*) FROM ticks WHERE run = r.id)"),
            ("no order after the stop", "FROM runs r JOIN orders ON run = r.id WHERE placed_us > stopped_us"),
            ("no order is left open", "FROM runs r JOIN orders ON run = r.id WHERE status = 'open'"),
            (
                "an order is filled if it has a fill",
                "FROM runs r JOIN orders o ON o.run = r.id LEFT JOIN fills f ON f.run = r.id AND f.seq = o.seq
                 WHERE (status = 'filled') <> (f.seq IS NOT NULL)",
            ),
        ] {
            let sql = format!("SELECT count(*) {broken} AND r.id >= {}", self.since);
            assert_eq!(self.number(&sql), 0, "broken: {rule}");
        }
    }
}
