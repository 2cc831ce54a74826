//! Replicas that share their crashes in a real Redis, which comes and goes.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service, ledger};
use redis::TypedCommands;
use tempfile::TempDir;

/// A server of the test's own, so that it can be killed.
struct Redis {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl Redis {
    fn start() -> Redis {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let mut redis = Redis { port, folder: tempfile::tempdir().expect("a folder"), process: None };
        redis.run();
        redis
    }

    /// Durable, so that what it knew is there when it comes back.
    fn run(&mut self) {
        let process = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "yes",
            ])
            .args(["--appendfsync", "always", "--dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(process.expect("redis-server: `./test` installs it"));
        let until = Instant::now() + Duration::from_secs(20);
        while self.recorded().is_none() {
            assert!(Instant::now() < until, "redis-server answers");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it runs");
        process.wait().expect("it was killed");
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// How many crashes of the service stand there.
    fn recorded(&self) -> Option<usize> {
        let client = redis::Client::open(self.url()).expect("a URL");
        client.get_connection().ok()?.zcard("lifecycle:crashes:bot").ok()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

fn replica(url: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_crash"))
        .env("LIFECYCLE_RESTART_STORE", url)
        .env("LIFECYCLE_RESTART_SERVICE", "bot")
}

fn stop(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

/// Ten replicas, each of which would try four times alone, start ten times and restart three times together.
#[test]
fn ten_replicas_share_one_budget() {
    let redis = Redis::start();
    let mut replicas: Vec<_> =
        (0..10).map(|_| replica(&redis.url()).env("LIFECYCLE_RESTART_WAIT", "5m").arg("0").start()).collect();
    for replica in &mut replicas {
        replica.line("waiting 300s");
    }
    let outputs: Vec<_> = replicas.into_iter().map(stop).collect();
    let tries: usize = outputs.iter().map(|output| output.stdout.matches("run ").count()).sum();
    assert_eq!(tries, 13);
    assert_eq!(redis.recorded(), Some(13));
    for output in outputs {
        assert!(!output.stderr.contains("restart store"), "{}", output.stderr);
    }
}

/// A wait that one replica spends is not time for it: the level goes on growing as if it were alone.
#[test]
fn the_rule_is_that_of_one_replica() {
    let redis = Redis::start();
    let mut one = replica(&redis.url())
        .env("LIFECYCLE_RESTART_WITHIN", "2s")
        .env("LIFECYCLE_RESTART_WAIT", "500ms")
        .env("LIFECYCLE_RESTART_MAX_WAIT", "2s")
        .arg("0")
        .start();
    for wait in ["waiting 500ms", "waiting 1s", "waiting 2s", "waiting 2s"] {
        one.line(wait);
    }
    let _ = stop(one);
}

/// A replica that starts on another machine, without a ledger, waits as long as the first was asked to.
#[test]
fn what_one_replica_was_asked_for_holds_for_all() {
    let redis = Redis::start();
    let failing = |how: &str, asked: &str| {
        Service::new(env!("CARGO_BIN_EXE_failures"))
            .args([how, asked])
            .env("LIFECYCLE_RESTART_STORE", redis.url())
            .env("LIFECYCLE_RESTART_SERVICE", "bot")
    };
    // One that runs already, and crashes later, waits for it, too.
    let mut other = failing("late", "1").start();
    other.line("run 1");
    let mut first = failing("bare", "60000").start();
    first.line("its failure asked for no retry within 1m: waiting 60s");
    let mut second = failing("handled", "1").start();
    let wait = second.line("another replica was asked not to retry yet: waiting");
    assert!(wait.contains("to skip the wait, start a new build, or without the store"), "{wait}");
    assert!(stop(second).stdout.is_empty());
    other.line("another replica was asked not to retry yet: waiting");
    let _ = (stop(first), stop(other));
}

/// Redis is killed, and comes back: one warning, crashes go on in the local ledger, and later in Redis again.
#[test]
fn redis_may_go_and_come_back() {
    let mut redis = Redis::start();
    let mut one = replica(&redis.url()).env("LIFECYCLE_RESTART_MAX_CRASHES", "100000").arg("100").start();
    one.line("run 3");
    redis.kill();
    one.line("restart store redis://127.0.0.1");
    let away = one.line("run ");
    one.line("run ");
    one.line("run ");
    redis.run();
    let before = redis.recorded().expect("it is back");
    assert!(before >= 2, "what it knew is there: {before}");
    let until = Instant::now() + Duration::from_secs(20);
    while redis.recorded().expect("it is there") < before + 2 {
        assert!(Instant::now() < until, "crashes are shared again after {away}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = stop(one);
    assert_eq!(output.stderr.matches("restart store").count(), 1, "{}", output.stderr);
    assert!(ledger::crashes(output.folder.path()) > before, "the local ledger has them all");
}

/// A Redis that takes connections and never says a word delays a start by two seconds; its password is not told.
#[test]
fn a_silent_redis_costs_a_moment_and_a_warning() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let mut one = replica(&format!("redis://user:secret@{address}"))
        .env("LIFECYCLE_RESTART_WAIT", "5m")
        .env("LIFECYCLE_RESTART_MAX_CRASHES", "0")
        .arg("0")
        .start();
    one.line("run 1");
    let crashed = Instant::now();
    one.line("waiting 300s");
    assert!(crashed.elapsed() < Duration::from_secs(4), "{:?}", crashed.elapsed());
    let output = stop(one);
    assert_eq!(
        output.stderr.matches(&format!("restart store redis://user:***@{address}")).count(),
        1,
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
}

/// What cannot be a store is a mistake in the configuration.
#[test]
fn a_wrong_store_is_refused() {
    let output = replica("http://user:secret@cache").run().expect_code(78);
    assert!(output.stderr.contains("LIFECYCLE_RESTART_STORE=http://user:***@cache"), "{}", output.stderr);
    assert!(!output.stdout.contains("run"), "{}", output.stdout);
}
