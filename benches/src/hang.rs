//! Part h: from the verdict on a hung process to its end, with the report between them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::clock;
use crate::table::{Table, at_most, median, number};

const THREADS: [usize; 3] = [0, 50, 500];
const SAMPLES: usize = 5;

static ACCOUNT: Mutex<u64> = Mutex::new(0);

/// Half of the threads wait for a lock, half sleep: all are in code of the user's, so all are told.
#[inline(never)]
fn blocked(index: usize) {
    if index.is_multiple_of(2) {
        drop(ACCOUNT.lock());
    } else {
        asleep();
    }
}

#[inline(never)]
fn asleep() {
    std::thread::sleep(Duration::from_secs(3600));
}

#[lifecycle::heartbeat]
fn tick() {}

#[lifecycle::main(worker_threads = 2)]
async fn main() {
    let threads = std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(0);
    let _account = ACCOUNT.lock();
    for index in 0..threads {
        std::thread::spawn(move || blocked(index));
    }
    tick();
    asleep();
}

/// The service that hangs.
pub(crate) fn service() -> ExitCode {
    main()
}

/// Milliseconds from the first byte of the verdict to the end.
fn end(threads: usize) -> f64 {
    let mut command = Command::new(std::env::current_exe().expect("its own path"));
    command.args(["hang", &threads.to_string()]).env_clear();
    command.envs([("LIFECYCLE_WATCHDOG_TIMEOUT", "1s"), ("LIFECYCLE_RESTART", "off")]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it was piped"));
    let mut line = String::new();
    while !line.contains("CRITICAL") {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("text") > 0, "no verdict");
    }
    let verdict = clock::now();
    let mut report = String::new();
    // To the end of all who hold the pipe, which are the process and its helper.
    stderr.read_to_string(&mut report).expect("text");
    let status = child.wait().expect("a child of ours");
    let ended = clock::now();
    assert_eq!(status.code(), Some(1), "{report}");
    assert!(report.contains("end of the hang report"), "{report}");
    // Of this crate: its name, without a path, is all that is left in a build without line tables.
    assert!(threads == 0 || report.contains("lifecycle_bench::hang::blocked"), "{report}");
    (ended - verdict) as f64 / 1e6
}

pub(crate) fn section() -> String {
    let mut table = Table::new(["threads besides the service's own", "median, ms", "slowest, ms"]);
    let (mut medians, mut slowest) = (Vec::new(), Vec::new());
    for threads in THREADS {
        let samples: Vec<f64> = (0..SAMPLES).map(|_| end(threads)).collect();
        let most = samples.iter().copied().fold(0.0, f64::max);
        medians.push(median(&samples));
        slowest.push(most);
        table.row(&[threads.to_string(), number(median(&samples)), number(most)]);
    }
    format!(
        "## h. From verdict to exit\n\n\
         A service hangs, half of its threads in one lock and half asleep; the time from the line `CRITICAL` on its stderr to its \
         end, a full report between them; {SAMPLES} processes each, one after the other, in a build without line tables.\n\n{table}\n{}{}",
        at_most("ms with 50 threads", 1000.0, medians[1], ""),
        at_most("ms of the slowest of all", 6000.0, slowest.into_iter().fold(0.0, f64::max), ""),
    )
}
