//! An exchange that is killed, freezes, slows down, vanishes or floods: the service trades on, and loses and doubles nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lifecycle_tests::{Running, Service};

use crate::proxy::{Mode, Proxy};
use crate::service::{Database, trading};
use crate::undisturbed::audit;

/// An exchange that outlives the service, as the real one does.
fn exchange() -> (Running, SocketAddr) {
    let mut exchange =
        trading(&["--serve-exchange", "127.0.0.1:0", "--tick", "2ms", "--feed-timeout", "1s"]).start();
    let line = exchange.line("the exchange is open at ws://");
    let (_, address) = line.rsplit_once("ws://").unwrap();
    let address = address.trim().parse().unwrap();
    (exchange, address)
}

/// With short waits, so that no test has to sit them out.
pub(crate) fn impatient(service: Service) -> Service {
    service.env("LIFECYCLE_RESTART_WAIT", "100ms").env("LIFECYCLE_RESTART_MAX_WAIT", "300ms")
}

/// Waits until so many days more are in the database.
pub(crate) fn trades_on(database: &Database, days: i64) {
    let count = || database.number("SELECT count(*) FROM ticks");
    let (target, until) = (count() + days, Instant::now() + Duration::from_secs(60));
    while count() < target {
        assert!(Instant::now() < until, "{} days, not {target}", count());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn trades_through(fault: Mode, sign: &str) {
    let (exchange, address) = exchange();
    let proxy = Proxy::before(address);
    let service = trading(&["--tick", "2ms", "--feed-timeout", "1s"]);
    let url = format!("ws://{}/feed", proxy.address);
    let mut service = impatient(service).env("EXCHANGE_URL", url).start();
    service.line("day 1:");
    let database = Database::sqlite(service.folder());
    trades_on(&database, 64);
    proxy.set(fault);
    if fault == Mode::Slow {
        // No line says so: that is how long it lasts.
        std::thread::sleep(Duration::from_secs(1));
    }
    service.line(sign);
    proxy.set(Mode::Pass);
    trades_on(&database, 128);
    service.signal(libc::SIGTERM);
    let ended = service.wait().expect_code(0);
    println!(
        "{fault:?}: {} restarts of the feed",
        ended.stderr.matches("task `WebSocketManager::feed`").count()
    );
    audit(&database);
    database.is_consistent();
    drop(exchange);
}

const LOST: &str = "task `WebSocketManager::feed`";

#[test]
fn an_exchange_that_is_killed_loses_nothing() {
    trades_through(Mode::Killed, LOST);
}

#[test]
fn an_exchange_that_freezes_loses_nothing() {
    trades_through(Mode::Frozen, LOST);
}

#[test]
fn an_exchange_that_vanishes_without_a_word_loses_nothing() {
    trades_through(Mode::HalfOpen, LOST);
}

#[test]
fn an_exchange_that_answers_with_noise_loses_nothing() {
    trades_through(Mode::Flooding, LOST);
}

#[test]
fn an_exchange_that_is_slow_loses_nothing() {
    // The lines go on, at one a second, whether the connection is kept or made again.
    trades_through(Mode::Slow, "day ");
}
