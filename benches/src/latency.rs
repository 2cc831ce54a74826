//! Part d: how fast an idle service starts, and how fast SIGTERM ends it.

use std::thread::sleep;
use std::time::Duration;

use crate::child::Service;
use crate::clock;
use crate::services::{PROGRAMS, Program};
use crate::table::{Table, at_most, median, number};

const SAMPLES: usize = 31;

/// Every program is idle by then, its handlers are installed.
const SETTLED: Duration = Duration::from_millis(50);

/// Why an exit with a ledger cannot be as fast as one without.
const MARKS: &str = "The marks \"stopping\" and \"clean\" pass through the ledger's thread and its lock; \
                     they must outlive the process, not the power, so they cost no `fsync`";

/// Why ours without a ledger is slower than the bare program.
const SWITCHES: &str = "Between the signal and the exit, and between exec and main, the word passes from thread to thread: orchestrator, \
                        driver, main, the runtime's own; about 50 us each here";

const READS: &str = "The ledger is opened, locked, read and marked before main";

/// Microseconds.
struct Latency {
    start: f64,
    inside: f64,
    hook: f64,
    exit: f64,
}

fn latency(program: &Program) -> Latency {
    let mut service = Service::start(&["service", program.name], program.environment);
    let line = service.line();
    let (began, entered) = line.split_once(' ').expect("when its main began");
    let (began, entered): (u64, u64) = (began.parse().expect("a time"), entered.parse().expect("a time"));
    assert_eq!(service.line(), "up", "{}", program.title);
    sleep(SETTLED);
    let signalled = clock::now();
    service.terminate();
    assert!(service.ends_within(Duration::from_secs(10)), "{} ends", program.title);
    let ended = clock::now();
    let hook: u64 = service.line().parse().expect("when its hook was called");
    let micros = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e3;
    let latency = Latency {
        start: micros(service.spawned, began),
        inside: micros(entered, began),
        hook: micros(signalled, hook),
        exit: micros(signalled, ended),
    };
    assert_eq!(service.remains().code, "0", "{}", program.title);
    latency
}

/// Medians; the rounds go around among the programs.
fn medians() -> Vec<Latency> {
    let mut samples: Vec<Vec<Latency>> = PROGRAMS.iter().map(|_| Vec::new()).collect();
    for _ in 0..SAMPLES {
        for (program, samples) in PROGRAMS.iter().zip(&mut samples) {
            samples.push(latency(program));
        }
    }
    let medians = |samples: &Vec<Latency>| {
        let of = |get: fn(&Latency) -> f64| median(&samples.iter().map(get).collect::<Vec<f64>>());
        Latency {
            start: of(|l| l.start),
            inside: of(|l| l.inside),
            hook: of(|l| l.hook),
            exit: of(|l| l.exit),
        }
    };
    samples.iter().map(medians).collect()
}

pub(crate) fn section() -> String {
    let latencies = medians();
    let bare = &latencies[0];
    let mut table = Table::new([
        "microseconds",
        "exec to first line of main",
        "of these in the process's own main",
        "SIGTERM to first hook",
        "SIGTERM to exit",
        "exit / bare",
    ]);
    for (program, latency) in PROGRAMS.iter().zip(&latencies) {
        table.row(&[
            program.title.to_owned(),
            number(latency.start),
            number(latency.inside),
            number(latency.hook),
            number(latency.exit),
            format!("{:.2}", latency.exit / bare.exit),
        ]);
    }
    format!(
        "## d. Start, signal, exit of an idle service\n\n\
         Medians of {SAMPLES}. The programs are this one with an argument, so their size and their loading are the same. The ledger \
         is read and marked before main, and marked at the signal and before the exit.\n\n{table}\n{}{}{}{}",
        at_most("SIGTERM to exit, of the bare program's", 1.3, latencies[1].exit / bare.exit, MARKS),
        at_most("the same without the ledger", 1.15, latencies[2].exit / bare.exit, SWITCHES),
        at_most("exec to main, of the bare program's", 1.15, latencies[1].start / bare.start, READS),
        at_most("the same without the ledger", 1.15, latencies[2].start / bare.start, SWITCHES),
    )
}
