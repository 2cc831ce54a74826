//! Part c: what one heartbeat costs.

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Barrier, LazyLock, Mutex};
use std::time::{Duration, Instant};

use lifecycle::Heartbeat;
use tokio::sync::watch;

use crate::table::{Table, at_most, median};

const CALLS: u32 = 500_000;
const SAMPLES: usize = 21;

static HEARTBEAT: Heartbeat = Heartbeat::new("measured", Duration::from_secs(60));
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
static LAST: AtomicU64 = AtomicU64::new(0);
static LOCKED: Mutex<Option<Instant>> = Mutex::new(None);
static CHANNEL: LazyLock<(watch::Sender<Instant>, watch::Receiver<Instant>)> =
    LazyLock::new(|| watch::channel(Instant::now()));

fn empty() {}

fn beat() {
    HEARTBEAT.beat();
}

#[lifecycle::heartbeat(arm = "first_beat")]
fn annotated() {}

fn instant_in_an_atomic() {
    LAST.store(EPOCH.elapsed().as_nanos() as u64, Relaxed);
}

fn instant_in_a_mutex() {
    *LOCKED.lock().expect("nobody panics with it") = Some(Instant::now());
}

fn watch_channel() {
    // It has a receiver, which lives as long as the process.
    let _ = CHANNEL.0.send(Instant::now());
}

const BEATS: [(&str, fn()); 6] = [
    ("empty call", empty),
    ("**`Heartbeat::beat`**", beat),
    ("**`#[lifecycle::heartbeat]`** on an empty `fn` (two beats, two breadcrumbs)", annotated),
    ("`Instant` in an atomic", instant_in_an_atomic),
    ("`Mutex<Instant>`", instant_in_a_mutex),
    ("`watch` channel of `Instant`", watch_channel),
];

/// Nanoseconds a call.
fn calls(call: fn()) -> f64 {
    let call = black_box(call);
    let begun = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begun.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

/// Two threads at once; the mean of the two.
fn calls_by_two(call: fn()) -> f64 {
    let barrier = Barrier::new(2);
    let run = || {
        barrier.wait();
        calls(call)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(run);
        f64::midpoint(run(), other.join().expect("it ends"))
    })
}

/// Medians of each way to beat; the rounds go around among them.
fn medians(calls: fn(fn()) -> f64) -> Vec<f64> {
    let mut samples = vec![Vec::new(); BEATS.len()];
    for _ in 0..SAMPLES {
        for ((_, beat), samples) in BEATS.iter().zip(&mut samples) {
            samples.push(calls(*beat));
        }
    }
    samples.iter().map(|samples| median(samples)).collect()
}

pub(crate) fn section() -> String {
    let alone = medians(calls);
    let by_two = medians(calls_by_two);
    let mut table = Table::new(["ns a call", "alone", "above an empty call", "of two threads at once"]);
    for (index, (title, _)) in BEATS.iter().enumerate() {
        let above = alone[index] - alone[0];
        table.row(&[
            (*title).to_owned(),
            format!("{:.2}", alone[index]),
            format!("{above:.2}"),
            format!("{:.2}", by_two[index]),
        ]);
    }
    format!(
        "## c. One heartbeat\n\n\
         Through a function pointer that the compiler cannot see through; {SAMPLES} samples of {CALLS} calls. The last column: two \
         threads on one and the same, ns that each of them waits for a call.\n\n{table}\n{}{}",
        at_most("ns of a beat above an empty call", 1.5, alone[1] - alone[0], ""),
        at_most("ns of a beat, two threads on one heartbeat", 5.0, by_two[1], ""),
    )
}
