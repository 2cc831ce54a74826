//! Part j: connections that a restart costs, next to the reloads of nginx and haproxy.
//!
//! `RESTARTS=1000 cargo run --release -p lifecycle-bench -- j` is the long run: half an hour, of those that may lose nothing.

mod clients;
mod servers;
mod service;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::child;
use crate::table::{Table, at_most, number};
use clients::{Load, Seen};
use servers::Server;

/// By title: what starts the server, and how far its restarts are apart.
type Row = (&'static str, fn() -> Option<Server>, Duration);

const TURN: Duration = Duration::from_millis(300);

/// The verdict of a hang comes after half a second.
const HANG_TURN: Duration = Duration::from_secs(1);

const ROWS: [Row; 9] = [
    ("**lifecycle**, `listen`: crash, main runs again", || servers::ours("crash", "listen"), TURN),
    ("**lifecycle**, `listen`: crash, `mode = \"exec\"`", || servers::ours("exec", "listen"), TURN),
    ("**lifecycle**, `listen`: hang, `on_hang = \"exec\"`", || servers::ours("hang", "listen"), HANG_TURN),
    ("**lifecycle**, `listen`, socket held by systemd: SIGTERM, start", servers::activated, TURN),
    ("**lifecycle**, `listen`: SIGTERM, start", || servers::ours("terminated", "listen"), TURN),
    ("`TcpListener::bind`: crash, main runs again", || servers::ours("crash", "bind"), TURN),
    ("`TcpListener::bind`: SIGTERM, start", || servers::ours("terminated", "bind"), TURN),
    ("nginx: reload", servers::nginx, TURN),
    ("haproxy: reload", servers::haproxy, TURN),
];

/// Those in which nothing may be lost.
const OURS: usize = 4;

/// More is a long run.
const SHORT: u32 = 100;

pub(crate) fn service(arguments: &[String]) -> ExitCode {
    child::bounded_by(7200, || service::run(&arguments[0], &arguments[1], &arguments[2]))
}

fn restarts() -> u32 {
    std::env::var("RESTARTS").ok().and_then(|count| count.parse().ok()).unwrap_or(25)
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Restarts it under load, one after the other.
fn measure(mut server: Server, turn: Duration) -> Seen {
    let load = Load::start(server.address());
    for _ in 0..restarts() {
        std::thread::sleep(turn);
        server.restart();
    }
    std::thread::sleep(turn);
    let seen = load.stop();
    server.stop();
    seen
}

fn cells(title: &str, seen: &Seen) -> [String; 7] {
    let restarts = seen.instances.len().saturating_sub(1);
    let count = |count: u64| count.to_string();
    [
        title.to_owned(),
        restarts.to_string(),
        count(seen.made),
        format!("{} / {}", seen.refused, seen.reset),
        number(seen.failed() as f64 / restarts.max(1) as f64),
        number(seen.slowest.as_secs_f64() * 1e3),
        count(seen.kept_broken),
    ]
}

pub(crate) fn section() -> String {
    let mut table = Table::new([
        "restart",
        "seen",
        "connections",
        "refused / reset",
        "failed a restart",
        "slowest answer, ms",
        "kept connections cut in a request",
    ]);
    let mut lost = 0;
    let rows = if restarts() > SHORT { OURS } else { ROWS.len() };
    for (index, (title, start, turn)) in ROWS.into_iter().take(rows).enumerate() {
        let Some(server) = start() else {
            table.row(&[title, "not installed", "", "", "", "", ""].map(str::to_owned));
            continue;
        };
        let seen = measure(server, turn);
        table.row(&cells(title, &seen));
        if index < OURS {
            lost += seen.failed();
        }
    }
    format!(
        "## j. Connections that a restart costs\n\n\
         {} new connections a second, each with one request that takes {} ms, and {} that are kept; {} restarts. A kept \
         connection that is closed between two requests is opened anew; one that is closed after a request was sent is counted. \
         The slowest answer includes the restart: a connection waits in the queue of the socket meanwhile.\n\n{table}\n{}",
        clients::PER_SECOND,
        service::WORK.as_millis(),
        clients::KEPT,
        restarts(),
        at_most("refused and reset where the socket is held, in all", 0.0, lost as f64, ""),
    )
}
