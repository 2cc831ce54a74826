//! The thread: it looks at every heartbeat once a tick, and at the deadline of the shutdown.

use std::time::{Duration, Instant};

use super::calls::{self, Slot};
use super::heartbeat::{self, Arm, Heartbeat};
use super::judge::{HeartbeatMonitor, Judgement, Limits, Tick};
use super::judge_calls::{Tally, Ticked};
use super::pings::Pings;
use super::{Actions, Config, INIT, INIT_RUN, is_paused, run, wakeup};
use crate::config::options::SHORTEST_LIMIT;
use crate::os::orphans::Reaper;
use crate::os::throttling::Throttling;
use crate::os::wakeup::Wakeup;
use crate::os::{clock, deadline, process};

/// The bounds of a tick: one wake-up a second is what an idle service pays.
const FASTEST: Duration = Duration::from_millis(5);
const SLOWEST: Duration = Duration::from_secs(1);

/// The thread's own state.
pub(super) struct WatchdogThread {
    config: Option<Config>,
    actions: Actions,
    /// Notified when there is something new to watch.
    wakeup: &'static Wakeup,
    watched: Vec<Watched>,
    run: u32,
    tick: Duration,
    ticked: Ticked,
    throttling: Throttling,
    pings: Pings,
    reaper: Reaper,
}

struct Watched {
    heartbeat: &'static Heartbeat,
    monitor: HeartbeatMonitor,
    /// Of this tick.
    tally: Tally,
}

impl WatchdogThread {
    pub(super) fn new(config: Option<Config>, actions: Actions, reaper: Reaper) -> WatchdogThread {
        let tick = config.map_or(SLOWEST, |config| tick(config.timeout.min(config.startup)));
        let (wakeup, watched, throttling) = (wakeup(), Vec::with_capacity(64), Throttling::find());
        let (ticked, pings) = (Ticked::default(), Pings::new(actions));
        WatchdogThread { config, actions, wakeup, watched, run: 0, tick, ticked, throttling, pings, reaper }
    }

    pub(super) fn run(mut self) {
        let mut before = Instant::now();
        loop {
            let deadline = deadline::left();
            if deadline.is_some_and(|left| left.is_zero()) {
                (self.actions.overdue)();
            }
            self.reaper.advance();
            let run = run();
            let judging = self.config.filter(|_| run > 0);
            if let Some(config) = judging {
                self.discover(config, run);
            }
            if judging.is_none() && deadline.is_none() {
                self.wakeup.wait(self.until_next(before));
                self.throttling.since_last();
                before = Instant::now();
                self.pings.advance(true);
                continue;
            }
            self.record();
            let planned = self.next_tick(deadline, before);
            self.wakeup.wait(Some(planned));
            let now = Instant::now();
            let tick = Tick { planned, elapsed: now - before, throttled: self.throttling.since_last() };
            before = now;
            self.advance(tick);
            let mut is_fresh = true;
            // A run that ended meanwhile is not judged any more: `judging` may be out of date by now.
            if let Some(config) = judging.filter(|_| super::run() == run) {
                is_fresh = self.judge(config, tick);
                if !is_paused() {
                    // Ticks more than a heartbeat gets: where the whole runtime is frozen, that is found first.
                    let limit = config.timeout.saturating_add(self.tick * 3);
                    (self.actions.tick)(config.worker.min(limit), config.worker);
                }
            }
            self.pings.advance(is_fresh);
        }
    }

    fn next_tick(&self, deadline: Option<Duration>, now: Instant) -> Duration {
        let planned = deadline.map_or(self.tick, |left| left.min(self.tick));
        self.pings.left(now).map_or(planned, |left| left.clamp(FASTEST, planned))
    }

    /// While nothing is judged: time to what else there is to do.
    fn until_next(&self, now: Instant) -> Option<Duration> {
        [self.pings.left(now), self.reaper.left(now)].into_iter().flatten().min()
    }

    /// The clock of polls: a process that was stopped has not been in a poll meanwhile.
    fn advance(&mut self, tick: Tick) {
        self.ticked.add(tick);
        clock::set_ticked(self.ticked.credited);
    }

    /// Hands on the heartbeat that has used up the most of its time.
    fn record(&self) {
        let heartbeats = self.watched.iter().map(|watched| watched.heartbeat);
        let used = |heartbeat: &&Heartbeat| {
            heartbeat.stale().as_millis() * 1000 / heartbeat.allowed().as_millis().max(1)
        };
        let stalest = heartbeats.filter(|heartbeat| !heartbeat.allowed().is_zero()).max_by_key(used);
        if self.config.is_some() {
            (self.actions.record)(stalest);
        }
    }

    /// Whether every heartbeat is fresh.
    fn judge(&mut self, config: Config, tick: Tick) -> bool {
        let (is_paused, mut is_fresh) = (is_paused(), true);
        self.tally(config, is_paused);
        for Watched { heartbeat, monitor, tally } in &mut self.watched {
            let tally = std::mem::take(tally);
            heartbeat.set_calls(tally.calls);
            let limits = limits(heartbeat, config);
            let mut judgement = if is_paused || heartbeat.is_at_rest() {
                monitor.reset();
                Judgement::Fine
            } else {
                monitor.observe(heartbeat.beats(), tick, limits)
            };
            let allowed = if monitor.has_beaten() { limits.beating } else { config.startup };
            heartbeat.set_stale(monitor.stale, tally.worst, allowed, monitor.has_beaten());
            is_fresh &= heartbeat.stale() < allowed;
            // Half of a call's time is said once, though it may be half of the heartbeat's, too.
            if tally.is_half || (judgement == Judgement::Half && !tally.is_judged) {
                (self.actions.half_time)(heartbeat);
            }
            if judgement == Judgement::Hung {
                // Look once more: the beat may have come while the others were judged.
                judgement = monitor.observe(heartbeat.beats(), tick, limits);
            }
            let still = |slot: &&Slot| slot.is_still(heartbeat, self.run);
            let hung = tally.hung.filter(still);
            if judgement != Judgement::Hung && hung.is_none() {
                continue;
            }
            if !process::is_debugged() {
                (self.actions.hang)(heartbeat);
            }
            monitor.reset();
            hung.into_iter().for_each(|slot| slot.seen().reset(slot.beats(), self.ticked));
        }
        is_fresh
    }

    /// Looks at each call of this run, once.
    fn tally(&mut self, config: Config, is_paused: bool) {
        for slot in calls::under_way() {
            let Some(heartbeat) = slot.heartbeat(self.run) else { continue };
            let its = self.watched.get_mut(heartbeat.index());
            // One that is not known yet is looked at in the next tick.
            if let Some(watched) = its.filter(|watched| std::ptr::eq(watched.heartbeat, heartbeat)) {
                let is_excused = is_paused || heartbeat.is_excused();
                watched.tally.add(slot, limits(heartbeat, config).beating, is_excused, self.ticked);
            }
        }
    }

    /// Learns of new heartbeats; forgets what it knew when a new run has begun.
    fn discover(&mut self, config: Config, run: u32) {
        if run != self.run {
            self.run = run;
            self.watched.clear();
            let zero = Duration::ZERO;
            heartbeat::all().for_each(|heartbeat| heartbeat.set_stale(zero, zero, zero, false));
        }
        if run == INIT_RUN {
            if self.watched.is_empty() {
                self.watch(&INIT, 0);
            }
            return;
        }
        if heartbeat::all().count() == self.watched.len() {
            return;
        }
        for heartbeat in heartbeat::all() {
            if !self.watched.iter().any(|known| std::ptr::eq(known.heartbeat, heartbeat)) {
                self.watch(heartbeat, heartbeat.before());
            }
        }
        let limits = self.watched.iter().filter_map(|watched| watched.heartbeat.limit());
        let shortest = limits.chain([config.timeout, config.startup]).min().unwrap_or(config.timeout);
        self.tick = tick(shortest);
    }

    fn watch(&mut self, heartbeat: &'static Heartbeat, before: u64) {
        heartbeat.set_index(self.watched.len());
        let monitor = HeartbeatMonitor::new(before);
        self.watched.push(Watched { heartbeat, monitor, tally: Tally::default() });
    }
}

fn limits(heartbeat: &Heartbeat, config: Config) -> Limits {
    let beating = heartbeat.limit().unwrap_or(config.timeout).max(SHORTEST_LIMIT);
    let startup = (heartbeat.arm() == Arm::Start).then_some(config.startup.max(SHORTEST_LIMIT));
    Limits { beating, startup }
}

/// A tenth of the shortest limit, so that an expiry is found at most that late.
fn tick(shortest: Duration) -> Duration {
    (shortest / 10).clamp(FASTEST, SLOWEST)
}
