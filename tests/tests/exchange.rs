//! A simulated exchange that bans who does not listen, and a bot that is restarted at once by its platform, whatever happens.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lifecycle_tests::{Service, builds};
use tempfile::TempDir;

/// 24 hours, divided by 17280.
const BAN: Duration = Duration::from_secs(5);
const BAD_LOGINS: u32 = 3;
/// Of its requests one in so much time is let through.
const RATE: Duration = Duration::from_millis(1500);

#[derive(Default)]
struct Seen {
    requests: u32,
    bad_logins: u32,
    bans: u32,
    banned_until: Option<Instant>,
    /// Requests while it was banned, or before its time had come.
    unheeded: u32,
    not_before: Option<Instant>,
}

#[derive(Clone)]
struct Exchange {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Exchange {
    fn start() -> Exchange {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let exchange = Exchange { address: listener.local_addr().expect("bound"), seen: Arc::default() };
        let serving = exchange.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                serving.answer(&connection);
            }
        });
        exchange
    }

    fn answer(&self, mut connection: &TcpStream) {
        let lines = BufReader::new(connection).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let status = self.judge(head.iter().any(|line| line == "x-key: good"));
        let _ = write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }

    fn judge(&self, is_good: bool) -> String {
        let (mut seen, now) = (self.seen.lock().expect("no panic"), Instant::now());
        seen.requests += 1;
        let early = [seen.banned_until, seen.not_before].into_iter().flatten().any(|until| now < until);
        seen.unheeded += u32::from(early);
        if !is_good {
            seen.bad_logins += 1;
            if seen.bad_logins >= BAD_LOGINS {
                (seen.bad_logins, seen.bans, seen.banned_until) = (0, seen.bans + 1, Some(now + BAN));
            }
            return "401 Unauthorized".into();
        }
        let is_first = seen.not_before.is_none();
        seen.not_before.get_or_insert(now + RATE);
        match is_first || early {
            true => format!("429 Too Many Requests\r\nretry-after-ms: {}", RATE.as_millis()),
            false => "200 OK".into(),
        }
    }

    fn bot(&self, program: &str, folder: &Arc<TempDir>, key: &str) -> Service {
        Service::inside(program, folder.clone()).env("EXCHANGE", self.address.to_string()).env("KEY", key)
    }
}

const BOT: &str = env!("CARGO_BIN_EXE_exchange");

fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a folder"))
}

/// The platform restarts it ten times and kills it each time; then somebody sets the right key.
#[test]
fn a_bad_key_is_tried_once_and_the_right_one_at_once() {
    let (exchange, folder) = (Exchange::start(), folder());
    let _ = exchange.bot(BOT, &folder, "bad").run().expect_code(78);
    for _ in 0..10 {
        let mut again = exchange.bot(BOT, &folder, "bad").start();
        again.line("that was permanent");
        again.signal(libc::SIGKILL);
        let _ = again.wait();
    }
    {
        let seen = exchange.seen.lock().expect("no panic");
        assert_eq!((seen.requests, seen.bans), (1, 0), "one login, and no ban of {BAN:?}");
    }
    exchange.seen.lock().expect("no panic").not_before = Some(Instant::now());
    let mut fixed = exchange.bot(BOT, &folder, "good").start();
    fixed.line("ready");
    fixed.signal(libc::SIGTERM);
    let output = fixed.wait().expect_code(0);
    assert!(!output.stderr.contains("waiting"), "{}", output.stderr);
}

/// It is killed in its wait, again and again: none of its starts asks before its time.
#[test]
fn what_the_exchange_said_is_heeded_by_every_start() {
    let (exchange, folder) = (Exchange::start(), folder());
    let mut bot = exchange.bot(BOT, &folder, "good").start();
    bot.line("waiting");
    for _ in 0..5 {
        bot.signal(libc::SIGKILL);
        let _ = bot.wait();
        bot = exchange.bot(BOT, &folder, "good").start();
        bot.line("waiting");
    }
    bot.line("ready");
    bot.signal(libc::SIGTERM);
    let _ = bot.wait().expect_code(0);
    let seen = exchange.seen.lock().expect("no panic");
    assert_eq!((seen.requests, seen.unheeded), (2, 0));
}

/// The broken build waits for minutes; the fixed one, with the same arguments and environment, is ready without a wait.
#[test]
fn a_new_build_is_ready_at_once_and_a_copy_of_the_old_one_waits() {
    let (exchange, folder) = (Exchange::start(), folder());
    exchange.seen.lock().expect("no panic").not_before = Some(Instant::now());
    let broken = |program: &str| exchange.bot(program, &folder, "good").env("BUG", "1");
    let mut first = broken(BOT).start();
    first.line("waiting 60s");
    first.signal(libc::SIGKILL);
    let _ = first.wait();

    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut same = broken(builds::copy(BOT, elsewhere.path()).to_str().expect("UTF-8")).start();
    if has_build_id() {
        same.line("waiting");
    } else {
        same.line("a new build starts at once");
    }
    same.signal(libc::SIGKILL);
    let _ = same.wait();

    let new = builds::another(BOT, elsewhere.path());
    let mut fixed = exchange.bot(new.to_str().expect("UTF-8"), &folder, "good").env("BUG", "1").start();
    let line = fixed.line("another build");
    assert!(line.contains("index out of bounds: a new build starts at once"), "{line}");
    // Its own crashes count from the first one on.
    let own = fixed.line("crash 1 of 3");
    assert!(own.contains("starting now"), "{own}");
    fixed.signal(libc::SIGKILL);
    let _ = fixed.wait();

    let text = std::fs::read_to_string(folder.path().join(".restart_count")).expect("a ledger");
    let history = lifecycle::ledger::History::try_from(text.as_bytes()).expect("a ledger");
    let builds: std::collections::BTreeSet<_> = history.crashes().iter().map(|crash| crash.build()).collect();
    assert_eq!(builds.len(), if has_build_id() { 2 } else { 3 }, "{text}");
    assert!(history.to_string().contains("build"), "{history}");
}

/// Some linkers write none.
fn has_build_id() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let another = std::fs::read(builds::another(BOT, folder.path())).expect("written");
    another != std::fs::read(BOT).expect("a program")
}
