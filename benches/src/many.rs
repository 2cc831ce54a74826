//! Part b: starting and stopping many components, and the memory that each costs.

mod crowd;
mod graceful;
mod graceful_shutdown;
mod ours;
mod tracker;

use std::process::ExitCode;

use crate::child::Service;
use crate::clock;
use crate::table::{Table, at_least, at_most, median, number};
use crowd::{Ready, Yields};

const COUNTS: [usize; 4] = [10, 1_000, 10_000, 100_000];
const SAMPLES: usize = 9;

/// What glibc's malloc takes for an `Arc<Component>`: two counts, eight bytes of payload, eight of its own.
const ARC: f64 = 32.0;

/// Why a stop of many takes the time that it takes.
const CALLS: &str = "What is left is the calls themselves, about 140 ns a hook: its box, a clock, two locks, the drop of its \
                     instance; a yield adds a second poll, about as much again";

const LIBRARIES: [(&str, &str); 4] = [
    ("ours", "**lifecycle**"),
    ("tracker", "TaskTracker"),
    ("graceful", "tokio-graceful"),
    ("graceful-shutdown", "tokio-graceful-shutdown"),
];

/// When what was done, and how much memory the process had then.
#[derive(Clone)]
struct Times {
    moments: Vec<u64>,
    resident: Vec<u64>,
}

impl Times {
    fn begin() -> Times {
        let resident = vec![resident("VmRSS:")];
        Times { moments: vec![clock::now()], resident }
    }

    fn started(&mut self) {
        self.moments.push(clock::now());
        self.resident.push(resident("VmRSS:"));
        // Reading it took a while.
        self.moments.push(clock::now());
    }

    fn stopped(&mut self) {
        self.moments.push(clock::now());
        self.resident.push(resident("VmHWM:"));
    }
}

/// Bytes.
fn resident(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("it has the field");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// One start and one stop, in a process of its own: as in a service's life.
#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let count = arguments[1].parse().expect("how many");
    let times = match (arguments[0].as_str(), arguments[2].as_str()) {
        ("ours", "ready") => ours::ready(count).await,
        ("ours", _) => ours::yields(count).await,
        ("tracker", "ready") => tracker::run::<Ready>(count).await,
        ("tracker", _) => tracker::run::<Yields>(count).await,
        ("graceful", "ready") => graceful::run::<Ready>(count).await,
        ("graceful", _) => graceful::run::<Yields>(count).await,
        (_, "ready") => graceful_shutdown::run::<Ready>(count).await,
        (_, _) => graceful_shutdown::run::<Yields>(count).await,
    };
    assert_eq!(crowd::closed(), count, "every hook was called");
    let [begin, started, stop, stopped] = times.moments[..] else { panic!("four moments") };
    let [before, held, peak] = times.resident[..] else { panic!("three sizes") };
    println!("{} {} {} {}", started - begin, stopped - stop, held - before, peak - before);
}

pub(crate) fn service(_library: &str) -> ExitCode {
    main();
    ExitCode::SUCCESS
}

/// Medians: ms to start, ms to stop, bytes a component held, bytes a component at the peak.
struct Cost {
    start: f64,
    stop: f64,
    held: f64,
    peak: f64,
}

/// For each library; the rounds go around among them, so that a busy moment hits them all.
fn costs(count: usize, hooks: &str) -> Vec<Cost> {
    let mut samples = vec![[const { Vec::<f64>::new() }; 4]; LIBRARIES.len()];
    for _ in 0..SAMPLES {
        for ((library, _), samples) in LIBRARIES.iter().zip(&mut samples) {
            let mut service = Service::start(&["many", library, &count.to_string(), hooks], &[]);
            let line = service.line();
            let numbers: Vec<f64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
            assert_eq!(numbers.len(), 4, "{library} {count} {hooks}: {}", service.remains().stderr);
            samples.iter_mut().zip(numbers).for_each(|(samples, number)| samples.push(number));
        }
    }
    let each = count as f64;
    let cost = |[start, stop, held, peak]: [Vec<f64>; 4]| Cost {
        start: median(&start) / 1e6,
        stop: median(&stop) / 1e6,
        held: median(&held) / each,
        peak: median(&peak) / each,
    };
    samples.into_iter().map(cost).collect()
}

pub(crate) fn section() -> String {
    let mut head = vec!["hooks".to_owned(), "N".to_owned()];
    head.extend(LIBRARIES.map(|(_, title)| title.to_owned()));
    head.push("ours / TaskTracker".to_owned());
    let mut table = Table::new(std::array::from_fn::<&str, 7, _>(|column| &head[column]));
    let mut at_the_top = Vec::new();
    for hooks in ["ready", "yield"] {
        for count in COUNTS {
            let costs = costs(count, hooks);
            table.row(&row(count, hooks, &costs));
            if count == COUNTS[3] {
                at_the_top.push(costs);
            }
        }
    }
    format!(
        "## b. Stop / start of N components, in ms\n\n\
         A process for each of {SAMPLES} samples: one start, one stop, as in a service's life. Started: every task has begun. \
         Ours is the whole `manage` and the whole `stop(..).await` of a `LifecycleManager`, its report included. Ready: the hook \
         is ready at its first poll; yield: it yields once.\n\n{table}\n{}{}",
        memory(&at_the_top[0], &at_the_top[1]),
        verdicts(&at_the_top[0], &at_the_top[1]),
    )
}

fn row(count: usize, hooks: &str, costs: &[Cost]) -> Vec<String> {
    let mut row = vec![hooks.to_owned(), count.to_string()];
    row.extend(costs.iter().map(|cost| format!("{} / {}", number(cost.stop), number(cost.start))));
    row.push(format!("{:.2} / {:.2}", costs[0].stop / costs[1].stop, costs[0].start / costs[1].start));
    row
}

fn memory(ready: &[Cost], yields: &[Cost]) -> String {
    let mut table = Table::new([
        "bytes a component",
        "held while running",
        "peak of the stop, ready",
        "peak of the stop, yield",
    ]);
    for (index, (_, title)) in LIBRARIES.iter().enumerate() {
        let bytes = [ready[index].held, ready[index].peak, yields[index].peak];
        let mut row = vec![(*title).to_owned()];
        row.extend(bytes.map(|bytes| format!("{bytes:.0}")));
        table.row(&row);
    }
    format!(
        "Growth of the resident set at N = 100 000, divided by N; ours with the `Arc`, which is {ARC} bytes.\n\n{table}\n"
    )
}

fn verdicts(ready: &[Cost], yields: &[Cost]) -> String {
    let mut text = String::new();
    let [ours, tracker, _, graceful_shutdown] = ready else { panic!("four libraries") };
    text += &at_most(
        "stop of 100 000 that are ready at once, of TaskTracker's",
        0.5,
        ours.stop / tracker.stop,
        CALLS,
    );
    text += &at_most(
        "stop of 100 000 that yield once, of TaskTracker's",
        1.0,
        yields[0].stop / yields[1].stop,
        CALLS,
    );
    text +=
        &at_least("tokio-graceful-shutdown's stop, of ours, ready", 8.0, graceful_shutdown.stop / ours.stop);
    text += &at_least("tokio-graceful-shutdown's stop, of ours, yield", 8.0, yields[3].stop / yields[0].stop);
    text += &at_most("bytes a managed component above its `Arc`", 200.0, ours.held - ARC, "");
    text
}
