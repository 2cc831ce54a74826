//! The options of `#[lifecycle::main]` with the environment on top.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::options::{
    Flavor, Hangup, OnHang, Options, Readiness, RestartMode, RestartOptions, RuntimeBuilder, WatchdogOptions,
};
use super::platform;
use super::probes::Probes;
use super::reader::Reader;
use super::store::Store;
use crate::model::error::ConfigError;

/// What the process runs with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// As far as the platform grants it.
    pub(crate) shutdown_timeout: Duration,
    /// Where it grants less.
    pub(crate) platform_warning: Option<String>,
    pub(crate) drain: Duration,
    pub(crate) drain_delay: Duration,
    pub(crate) ready: Readiness,
    /// Where they are answered.
    pub(crate) probes: Option<Probes>,
    pub(crate) on_hangup: Option<Hangup>,
    pub(crate) end_on_panic: bool,
    pub(crate) restart: Option<Restart>,
    pub(crate) watchdog: Option<Watchdog>,
    /// What builds the runtime, instead of `flavor` and `worker_threads`.
    pub(crate) runtime: Option<RuntimeBuilder>,
    pub(crate) flavor: Flavor,
    pub(crate) worker_threads: Option<usize>,
    /// `LIFECYCLE_PLAN`: print the plan and do not run.
    pub(crate) plan_only: bool,
    pub(crate) hang: HangReports,
}

#[derive(Clone, Debug)]
pub(crate) struct Restart {
    pub(crate) policy: RestartPolicy,
    pub(crate) file: PathBuf,
    pub(crate) mode: RestartMode,
    /// Whose crashes count: several programs may keep theirs in one file.
    pub(crate) service: String,
    /// Where replicas share their crashes.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "refused when it is read"))]
    pub(crate) store: Option<Store>,
}

/// More than `max_crashes` within `within` wait `wait`; each further crash multiplies it by `factor`, up to `max_wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RestartPolicy {
    pub(crate) max_crashes: u32,
    pub(crate) within: Duration,
    pub(crate) wait: Duration,
    pub(crate) factor: u32,
    pub(crate) max_wait: Duration,
    /// After a crash that restarts at once.
    pub(crate) first_wait: Duration,
    /// In thousandths of each wait.
    pub(crate) jitter: u32,
    /// What a failure may ask for at most.
    pub(crate) max_retry_after: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Watchdog {
    pub(crate) timeout: Duration,
    pub(crate) startup: Duration,
    pub(crate) on_hang: OnHang,
    /// One poll of any task that takes longer is a warning.
    pub(crate) worker: Duration,
}

/// How hang reports are shown, and where else they go.
#[derive(Clone, Debug, Default)]
pub(crate) struct HangReports {
    /// `LIFECYCLE_HANG_FRAMES=full`: nothing is folded.
    pub(crate) full: bool,
    /// `LIFECYCLE_HANG_FORMAT=json`: each is one line of JSON.
    pub(crate) json: bool,
    /// `LIFECYCLE_HANG_REPORT`: reports are added to this file.
    pub(crate) file: Option<PathBuf>,
}

impl Config {
    /// Reads each `LIFECYCLE_…` variable through `env`; an empty one counts as not set. `executable` is the name of its file.
    pub(crate) fn resolve(
        options: &Options,
        env: &dyn Fn(&str) -> Option<OsString>,
        executable: &str,
    ) -> Result<Config, Vec<ConfigError>> {
        let mut read = Reader { env, executable, errors: Vec::new() };
        let mut config = Config {
            shutdown_timeout: read.positive("LIFECYCLE_SHUTDOWN_TIMEOUT", options.shutdown_timeout),
            platform_warning: None,
            drain: read.duration("LIFECYCLE_DRAIN", options.drain),
            drain_delay: read.duration("LIFECYCLE_DRAIN_DELAY", options.drain_delay),
            ready: read.word("LIFECYCLE_READY", options.ready.unwrap_or(Readiness::Implied), &READY),
            probes: read.probes(options),
            on_hangup: read.word("LIFECYCLE_ON_HANGUP", options.on_hangup, &ON_HANGUP),
            end_on_panic: read.word("LIFECYCLE_PANIC", options.end_on_panic, &PANIC),
            restart: read.restart(&options.restart),
            watchdog: read.watchdog(&options.watchdog),
            runtime: options.runtime,
            flavor: options.flavor,
            worker_threads: options.worker_threads,
            plan_only: read.switch("LIFECYCLE_PLAN", false, ""),
            hang: read.hang(),
        };
        read.check_drain(&mut config);
        read.check_images(&mut config);
        config.fit_to_platform(env);
        if config.runtime.is_none() && config.flavor == Flavor::MultiThread && config.worker_threads.is_none()
        {
            // tokio's own, which panics where it is wrong.
            read.number("TOKIO_WORKER_THREADS", 1, 1);
        }
        if read.errors.is_empty() { Ok(config) } else { Err(read.errors) }
    }
}

impl Config {
    /// After the checks: what is wrong on no other platform is not wrong here.
    fn fit_to_platform(&mut self, env: &dyn Fn(&str) -> Option<OsString>) {
        (self.shutdown_timeout, self.platform_warning) = platform::fit(self.shutdown_timeout, env);
        if self.platform_warning.is_some() {
            self.drain_delay = self.drain_delay.min(self.shutdown_timeout / 2);
        }
    }
}

const READY: [(&str, Readiness); 2] = [("implied", Readiness::Implied), ("explicit", Readiness::Explicit)];

const ON_HANGUP: [(&str, Option<Hangup>); 3] =
    [("stop", Some(Hangup::Stop)), ("reload", Some(Hangup::Reload)), ("ignore", Some(Hangup::Ignore))];

const PANIC: [(&str, bool); 2] = [("end", true), ("report", false)];

impl Reader<'_> {
    /// What stands in the environment must fit. What stands in the attribute gives way to a shorter whole in the environment,
    /// and so does the default of the drain.
    fn check_drain(&mut self, config: &mut Config) {
        let gives_way = |name| self.get("LIFECYCLE_SHUTDOWN_TIMEOUT").is_some() && self.get(name).is_none();
        let (drain_gives_way, delay_gives_way) =
            (gives_way("LIFECYCLE_DRAIN"), gives_way("LIFECYCLE_DRAIN_DELAY"));
        let whole = config.shutdown_timeout;
        if delay_gives_way {
            config.drain_delay = config.drain_delay.min(whole / 2);
        }
        let (drain, delay) = (config.drain, config.drain_delay);
        let (name, option, value, rest) = match (delay.is_zero(), whole.saturating_sub(delay)) {
            (false, rest) if rest.is_zero() => ("LIFECYCLE_DRAIN_DELAY", "drain_delay = …", delay, rest),
            (_, rest) if drain > rest && drain != Options::DEFAULT.drain && !drain_gives_way => {
                ("LIFECYCLE_DRAIN", "drain = …", drain, rest)
            }
            _ => return,
        };
        let most = if rest.is_zero() { "less".to_owned() } else { format!("at most {rest:?}") };
        let wrong = self.source(name, option, &format!("{value:?}"));
        let whole = self.source("LIFECYCLE_SHUTDOWN_TIMEOUT", "shutdown_timeout = …", &format!("{whole:?}"));
        self.errors.push(ConfigError::new(format!(
            "{wrong}: must fit into {whole}: set {most}, or a longer shutdown timeout"
        )));
    }

    fn restart(&mut self, options: &RestartOptions) -> Option<Restart> {
        let enabled = self.switch("LIFECYCLE_RESTART", options.enabled, "");
        let max_crashes = self.number("LIFECYCLE_RESTART_MAX_CRASHES", options.max_crashes, 0);
        let within = self.positive("LIFECYCLE_RESTART_WITHIN", options.within);
        let factor = self.number("LIFECYCLE_RESTART_FACTOR", options.factor, 1);
        let (wait, max_wait) = self.waits(options);
        let first_wait = self.first_wait(options.first_wait, wait);
        let jitter = self.jitter(options.jitter);
        let max_retry_after = self.duration("LIFECYCLE_RESTART_MAX_RETRY_AFTER", options.max_retry_after);
        let policy = RestartPolicy {
            max_crashes,
            within,
            wait,
            factor,
            max_wait,
            first_wait,
            jitter,
            max_retry_after,
        };
        let file = self.file(options.file);
        let mode = self.word(
            "LIFECYCLE_RESTART_MODE",
            options.mode,
            &[("task", RestartMode::Task), ("exec", RestartMode::Exec)],
        );
        if !enabled {
            return None;
        }
        let service = self.service(options);
        Some(Restart { policy, file, mode, store: self.store(options, &service), service })
    }

    fn first_wait(&mut self, option: Duration, wait: Duration) -> Duration {
        let first = self.duration("LIFECYCLE_RESTART_FIRST_WAIT", option);
        if first > wait {
            self.errors.push(ConfigError::new(format!(
                "LIFECYCLE_RESTART_FIRST_WAIT={first:?}: must not be longer than the wait of a crash loop: set \
                 LIFECYCLE_RESTART_WAIT={first:?} or more, not {wait:?}"
            )));
        }
        first
    }

    /// In thousandths.
    fn jitter(&mut self, option: f64) -> u32 {
        const MUST: &str = "must be a part of the wait from 0 to 1, such as 0.25";
        let jitter = self.value("LIFECYCLE_RESTART_JITTER", option, |text| match text.parse::<f64>() {
            Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
            _ => Err(MUST.into()),
        });
        if !(0.0..=1.0).contains(&jitter) {
            self.errors.push(ConfigError::new(format!("restart(jitter = {jitter}): {MUST}")));
        }
        (jitter * 1000.0) as u32
    }

    /// The first wait and the longest. Where only one was chosen, the other's default gives way.
    fn waits(&mut self, options: &RestartOptions) -> (Duration, Duration) {
        const DEFAULT: RestartOptions = RestartOptions::DEFAULT;
        let wait = self.duration("LIFECYCLE_RESTART_WAIT", options.wait);
        let max_wait = self.duration("LIFECYCLE_RESTART_MAX_WAIT", options.max_wait);
        if wait <= max_wait {
            return (wait, max_wait);
        }
        if wait != DEFAULT.wait && max_wait != DEFAULT.max_wait {
            self.errors.push(ConfigError::new(format!(
                "LIFECYCLE_RESTART_MAX_WAIT={max_wait:?}: must not be shorter than the first wait: \
                 set LIFECYCLE_RESTART_WAIT={max_wait:?} or less, not {wait:?}"
            )));
        }
        if wait == DEFAULT.wait { (max_wait, max_wait) } else { (wait, wait) }
    }

    /// The ledger's place: the option or variable, else the folder that the platform keeps for us, else the working directory.
    fn file(&mut self, option: Option<&str>) -> PathBuf {
        if let Some(file) = self.get("LIFECYCLE_RESTART_FILE") {
            return PathBuf::from(file);
        }
        if let Some(file) = option {
            return PathBuf::from(file);
        }
        // systemd lists several state directories separated by colons; the first is the service's own.
        let state = self.get("STATE_DIRECTORY").map(|folders| {
            let folders = folders.to_string_lossy();
            PathBuf::from(folders.split(':').next().unwrap_or_default())
        });
        let volume = || self.get("RAILWAY_VOLUME_MOUNT_PATH").map(PathBuf::from);
        state.or_else(volume).unwrap_or_default().join(".restart_count")
    }

    fn watchdog(&mut self, options: &WatchdogOptions) -> Option<Watchdog> {
        let enabled = self.switch("LIFECYCLE_WATCHDOG", options.enabled, "_TIMEOUT");
        let timeout = self.limit("LIFECYCLE_WATCHDOG_TIMEOUT", options.timeout);
        let startup = self.limit("LIFECYCLE_WATCHDOG_STARTUP", options.startup);
        let on_hang = self.word(
            "LIFECYCLE_WATCHDOG_ON_HANG",
            options.on_hang,
            &[("exit", OnHang::Exit), ("exec", OnHang::Exec), ("abort", OnHang::Abort)],
        );
        let worker = self.limit("LIFECYCLE_WATCHDOG_WORKER", options.worker);
        enabled.then_some(Watchdog { timeout, startup, on_hang, worker })
    }

    fn hang(&mut self) -> HangReports {
        let full = self.value("LIFECYCLE_HANG_FRAMES", false, |text| match text {
            "full" => Ok(true),
            "folded" => Ok(false),
            _ => Err("must be \"full\" or \"folded\"".into()),
        });
        let json = self.word("LIFECYCLE_HANG_FORMAT", false, &[("text", false), ("json", true)]);
        HangReports { full, json, file: self.get("LIFECYCLE_HANG_REPORT").map(PathBuf::from) }
    }
}
