//! Part e: what a service costs that has nothing to do.

use std::fs::{read_dir, read_to_string};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::child::Service;
use crate::services::{PROGRAMS, Program};
use crate::table::{Table, at_most, number};

/// Start-up is over by then.
const SETTLED: Duration = Duration::from_secs(3);

const WINDOW: Duration = Duration::from_secs(20);

/// Sums over all threads since they began.
#[derive(Clone, Copy, Default)]
struct Spent {
    wake_ups: f64,
    cpu_nanos: f64,
}

fn spent(pid: u32) -> Spent {
    let tasks = read_dir(format!("/proc/{pid}/task")).expect("it lives");
    let mut sum = Spent::default();
    for task in tasks.flatten() {
        // A thread may end between the two.
        let status = read_to_string(task.path().join("status")).unwrap_or_default();
        let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum.wake_ups += switches.and_then(|count| count.trim().parse().ok()).unwrap_or(0.0);
        let schedule = read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let on_cpu = schedule.split(' ').next().and_then(|nanos| nanos.parse().ok());
        sum.cpu_nanos += on_cpu.unwrap_or(0.0);
    }
    sum
}

/// All of them at once: idle services do not disturb each other.
fn per_minute() -> Vec<Spent> {
    let start = |program: &Program| Service::start(&["service", program.name], program.environment);
    let services: Vec<Service> = PROGRAMS.iter().map(start).collect();
    sleep(SETTLED);
    let begun = Instant::now();
    let before: Vec<Spent> = services.iter().map(|service| spent(service.id())).collect();
    sleep(WINDOW);
    let after: Vec<Spent> = services.iter().map(|service| spent(service.id())).collect();
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    for service in services {
        service.terminate();
        service.ends_within(Duration::from_secs(10));
        service.remains();
    }
    let difference = |(before, after): (Spent, Spent)| Spent {
        wake_ups: (after.wake_ups - before.wake_ups) / minutes,
        cpu_nanos: (after.cpu_nanos - before.cpu_nanos) / minutes,
    };
    before.into_iter().zip(after).map(difference).collect()
}

pub(crate) fn section() -> String {
    let spent = per_minute();
    let mut table =
        Table::new(["a minute", "wake-ups", "CPU time, ms", "wake-ups a second above plain tokio"]);
    let above = |index: usize| (spent[index].wake_ups - spent[0].wake_ups) / 60.0;
    for (index, program) in PROGRAMS.iter().enumerate() {
        table.row(&[
            program.title.to_owned(),
            format!("{:.0}", spent[index].wake_ups),
            number(spent[index].cpu_nanos / 1e6),
            format!("{:.2}", above(index)),
        ]);
    }
    format!(
        "## e. Idle\n\n\
         Voluntary context switches and time on a CPU of all threads, over {} s, extrapolated. `lifecycle` watches with its \
         defaults: limits of 60 s, so a tick a second.\n\n{table}\n{}",
        WINDOW.as_secs(),
        at_most("wake-ups a second more than plain tokio", 2.0, above(1), ""),
    )
}
