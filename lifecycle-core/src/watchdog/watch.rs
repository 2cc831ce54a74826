//! The watchdog's thread: it looks at every heartbeat once a tick, and at the deadline of the shutdown.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use super::judge::{Judgement, Limits, Pulse, Tick};
use super::{INIT, INIT_RUN, TICKED, WATCHDOG, deadline, verdict};
use crate::bell::Bell;
use crate::config;
use crate::hang;
use crate::heartbeat::{self, Arm, Heartbeat};
use crate::raw::{self, stderr_line};

/// How long the verdict waits for `tracing`, and for the ledger.
const TRACING_PATIENCE: Duration = Duration::from_millis(250);
const LEDGER_PATIENCE: Duration = Duration::from_secs(1);

/// The bounds of a tick: one wake-up a second is what an idle service pays.
const FASTEST: Duration = Duration::from_millis(5);
const SLOWEST: Duration = Duration::from_secs(1);

/// The thread's own state.
pub(super) struct Watch {
    config: Option<config::Watchdog>,
    /// Rung when there is something new to watch.
    bell: &'static Bell,
    /// Told of the verdict, so that it goes to the ledger.
    orchestrator: &'static Bell,
    pulses: Vec<(&'static Heartbeat, Pulse)>,
    run: u32,
    tick: Duration,
    ticked: Duration,
}

impl Watch {
    pub(super) fn new(
        config: Option<config::Watchdog>,
        bell: &'static Bell,
        orchestrator: &'static Bell,
    ) -> Watch {
        let tick = config.map_or(SLOWEST, |config| tick(config.timeout.min(config.startup)));
        Watch {
            config,
            bell,
            orchestrator,
            pulses: Vec::with_capacity(64),
            run: 0,
            tick,
            ticked: Duration::ZERO,
        }
    }

    pub(super) fn run(mut self) {
        let mut before = Instant::now();
        loop {
            let deadline = deadline::left();
            if deadline.is_some_and(|left| left.is_zero()) {
                overdue();
            }
            let run = WATCHDOG.run.load(Acquire);
            let judging = self.config.filter(|_| run > 0);
            if let Some(config) = judging {
                self.discover(config, run);
            }
            if judging.is_none() && deadline.is_none() {
                self.bell.wait(None);
                before = Instant::now();
                continue;
            }
            let planned = deadline.map_or(self.tick, |left| left.min(self.tick));
            self.bell.wait(Some(planned));
            let now = Instant::now();
            let tick = Tick { planned, elapsed: now - before };
            before = now;
            self.advance(tick);
            // A run that ended meanwhile is not judged any more: `judging` may be out of date by now.
            if let Some(config) = judging.filter(|_| WATCHDOG.run.load(Acquire) == run) {
                self.look(config, tick);
                if WATCHDOG.paused.load(Acquire) == 0 {
                    // Ticks more than a heartbeat gets: where the whole runtime is frozen, the verdict falls first.
                    hang::look_at_polls(config.timeout + self.tick * 3);
                }
            }
        }
    }

    /// The clock of polls: a process that was stopped has not been in a poll meanwhile.
    fn advance(&mut self, tick: Tick) {
        self.ticked += tick.credit();
        TICKED.store(u64::try_from(self.ticked.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    fn look(&mut self, config: config::Watchdog, tick: Tick) {
        let paused = WATCHDOG.paused.load(Acquire) > 0;
        let orchestrator = self.orchestrator;
        for (heartbeat, pulse) in &mut self.pulses {
            let beating = heartbeat.limit().unwrap_or(config.timeout);
            let startup = (heartbeat.arm() == Arm::Start).then_some(config.startup);
            let limits = Limits { beating, startup };
            let judgement = if paused || heartbeat.is_paused() {
                pulse.excuse();
                Judgement::Fine
            } else {
                pulse.observe(heartbeat.beats(), tick, limits)
            };
            heartbeat.set_stale(pulse.stale, pulse.has_beaten());
            match judgement {
                Judgement::Fine => {}
                Judgement::Half => {
                    crate::log::half_time(heartbeat);
                    hang::half_time(heartbeat);
                }
                // Look once more: the beat may have come while the others were judged.
                Judgement::Hung if pulse.observe(heartbeat.beats(), tick, limits) != Judgement::Hung => {}
                Judgement::Hung if is_debugged() => pulse.excuse(),
                Judgement::Hung => end(heartbeat, orchestrator),
            }
        }
    }

    /// Learns of new heartbeats; forgets what it knew when a new run has begun.
    fn discover(&mut self, config: config::Watchdog, run: u32) {
        if run != self.run {
            self.run = run;
            self.pulses.clear();
            heartbeat::all().for_each(|heartbeat| heartbeat.set_stale(Duration::ZERO, false));
        }
        if run == INIT_RUN {
            if self.pulses.is_empty() {
                self.pulses.push((&INIT, Pulse::new(0)));
            }
            return;
        }
        if heartbeat::all().count() == self.pulses.len() {
            return;
        }
        for heartbeat in heartbeat::all() {
            if !self.pulses.iter().any(|(known, _)| std::ptr::eq(*known, heartbeat)) {
                self.pulses.push((heartbeat, Pulse::new(heartbeat.before())));
            }
        }
        let limits = self.pulses.iter().filter_map(|(heartbeat, _)| heartbeat.limit());
        let shortest = limits.chain([config.timeout, config.startup]).min().unwrap_or(config.timeout);
        self.tick = tick(shortest);
    }
}

/// A tenth of the shortest limit, so that a verdict is at most that late.
fn tick(shortest: Duration) -> Duration {
    (shortest / 10).clamp(FASTEST, SLOWEST)
}

/// Allocates nothing, takes no lock; ends with the process.
fn end(heartbeat: &'static Heartbeat, orchestrator: &Bell) -> ! {
    hang::arm_reaper();
    stderr_line!("{}: {}", verdict::HEADLINE, verdict::Stale(heartbeat));
    WATCHDOG.hung.store(std::ptr::from_ref(heartbeat).cast_mut(), Release);
    crate::log::hang(heartbeat);
    orchestrator.ring();
    let verdict = Instant::now();
    // Beside the report: both take their time.
    crate::last_gasp::ask();
    hang::fatal(heartbeat);
    crate::last_gasp::wait();
    let told = || crate::log::hang_was_told() || verdict.elapsed() > TRACING_PATIENCE;
    let recorded = || WATCHDOG.hang_recorded.load(Acquire) || verdict.elapsed() > LEDGER_PATIENCE;
    while !(told() && recorded()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    crate::exec::after_hang();
    raw::exit(1);
}

/// B + 1 s: whatever the hooks, the runtime or the logger do.
fn overdue() -> ! {
    stderr_line!("ERROR lifecycle: the shutdown is overdue: the process ends now with exit code 1");
    crate::shutdown::for_each_running(|hook| {
        stderr_line!("ERROR lifecycle: still running: hook `{}` ({})", hook.name, hook.place);
    });
    raw::exit(1);
}

/// Whether somebody single-steps us: then nothing is late.
#[cfg(target_os = "linux")]
fn is_debugged() -> bool {
    use std::io::Read;
    // Short paths are opened without allocation; the answer stands in the first half of the file.
    let mut status = [0; 1024];
    let read = std::fs::File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = &status[..read.unwrap_or(0)];
    let tracer = status.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"TracerPid:"));
    tracer.is_some_and(|pid| pid.trim_ascii() != b"0")
}

#[cfg(not(target_os = "linux"))]
fn is_debugged() -> bool {
    false
}
