//! Part a: from SIGTERM to gone, when a component misbehaves.

mod graceful;
mod graceful_shutdown;
mod ours;
mod tracker;
mod trouble;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::child::Service;
use crate::clock;
use crate::table::Table;
use trouble::{CLOSED, Trouble};

/// B: ours as an option of the attribute, the peers' as the limit that they take.
const BUDGET: Duration = Duration::from_secs(2);

/// Who has not ended by then never will.
const PATIENCE: Duration = Duration::from_secs(10);

const ROUNDS: usize = 3;

const LIBRARIES: [(&str, &str); 4] = [
    ("ours", "**lifecycle**"),
    ("graceful-shutdown", "tokio-graceful-shutdown"),
    ("graceful", "tokio-graceful"),
    ("tracker", "TaskTracker"),
];

/// The service of one library.
pub(crate) fn service(library: &str) -> ExitCode {
    match library {
        "ours" => ours::run(),
        "graceful-shutdown" => graceful_shutdown::run(),
        "graceful" => graceful::run(),
        _ => tracker::run(),
    }
}

/// What every library's examples begin with; on stderr, so that we find the culprit's name there.
fn log() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
}

/// One service's end; `None` is never.
#[derive(Clone, PartialEq)]
struct End {
    seconds: Option<f64>,
    code: String,
    later_closed: bool,
    named: bool,
}

fn end(library: &str, trouble: Trouble) -> End {
    let mut service = Service::start(&["worst", library, &format!("{trouble:?}")], &[]);
    while service.line() != "up" {}
    // tokio-graceful-shutdown installs its handlers a moment after its subsystems have begun.
    sleep(Duration::from_millis(100));
    let signalled = clock::now();
    service.terminate();
    let ended = service.ends_within(PATIENCE);
    let seconds = ended.then_some((clock::now() - signalled) as f64 / 1e9);
    let remains = service.remains();
    End {
        seconds,
        code: if ended { remains.code } else { "none".to_owned() },
        later_closed: remains.stdout.contains(CLOSED),
        named: remains.stderr.to_lowercase().contains("feed"),
    }
}

/// The slowest of some rounds; every library at once, since who hangs costs nothing.
fn ends(trouble: Trouble) -> Vec<End> {
    let libraries = LIBRARIES.map(|(library, _)| {
        std::thread::spawn(move || (0..ROUNDS).map(|_| end(library, trouble)).collect::<Vec<End>>())
    });
    let worst = |ends: Vec<End>| ends.into_iter().max_by(|a, b| slowness(a).total_cmp(&slowness(b)));
    libraries.map(|ends| worst(ends.join().expect("a round ends")).expect("there is a round")).into()
}

/// Hangs side by side, since sleepers cost nothing; whatever computes, or ends at once, has the machine for itself.
fn all_ends() -> Vec<(Trouble, Vec<End>)> {
    let start = |trouble: Trouble| std::thread::spawn(move || ends(trouble));
    let asleep: Vec<_> = Trouble::ALL.map(|trouble| trouble.sleeps().then(|| start(trouble))).into();
    let asleep: Vec<_> =
        asleep.into_iter().map(|ends| ends.map(|ends| ends.join().expect("it ends"))).collect();
    let all = Trouble::ALL.into_iter().zip(asleep);
    all.map(|(trouble, asleep)| (trouble, asleep.unwrap_or_else(|| ends(trouble)))).collect()
}

fn slowness(end: &End) -> f64 {
    end.seconds.unwrap_or(f64::INFINITY)
}

/// What the target asks of a row of ours.
fn is_met(trouble: Trouble, end: &End) -> bool {
    let failed = trouble != Trouble::None;
    let bound = (BUDGET + Duration::from_secs(1)).as_secs_f64();
    let code = if failed { "1" } else { "0" };
    slowness(end) <= bound && end.code == code && end.later_closed && (end.named || !failed)
}

pub(crate) fn section() -> String {
    let mut table =
        Table::new(["trouble", "library", "gone after", "exit code", "later component closed", "named"]);
    let mut missed = Vec::new();
    for (trouble, ends) in all_ends() {
        if !is_met(trouble, &ends[0]) {
            missed.push(trouble.title());
        }
        for ((_, library), end) in LIBRARIES.iter().zip(ends) {
            table.row(&row(trouble, library, &end));
        }
    }
    let verdict = match missed.as_slice() {
        [] => "met in every row".to_owned(),
        missed => format!("missed: {}", missed.join(", ")),
    };
    format!(
        "## a. From SIGTERM to gone, when a component misbehaves\n\n\
         B = {} s; the slowest of {ROUNDS}; who is not gone after {} s is killed and counts as never. Named: \
         stderr, with the library's own logging, has the component's name (the place that std's panic hook prints is \
         not a name).\n\n{table}\n\
         - Ours gone within B + 1 s with exit code 1 (0 where nothing failed), culprit named, later hooks run: \
         **{verdict}**\n",
        BUDGET.as_secs(),
        PATIENCE.as_secs(),
    )
}

fn row(trouble: Trouble, library: &str, end: &End) -> Vec<String> {
    let yes = |yes: bool| if yes { "yes" } else { "**no**" }.to_owned();
    let time = end.seconds.map_or(format!("**never** (> {} s)", PATIENCE.as_secs()), |seconds| {
        if seconds < 0.1 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
    });
    let named = if trouble == Trouble::None { "-".to_owned() } else { yes(end.named) };
    vec![trouble.title().to_owned(), library.to_owned(), time, end.code.clone(), yes(end.later_closed), named]
}
