//! What `#[lifecycle::main(…)]` was given, and the defaults.

use std::time::Duration;

/// A shorter limit is one that a busy machine breaks by itself.
pub(crate) const SHORTEST_LIMIT: Duration = Duration::from_millis(50);

/// The options of `#[lifecycle::main]`; the environment may override each.
///
/// ```
/// use lifecycle::{Options, Readiness, Service};
///
/// let options = Options { ready: Some(Readiness::Explicit), ..Options::DEFAULT };
/// let service = Service::new().options(options);
/// # drop(service);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The budget of the whole shutdown.
    pub shutdown_timeout: Duration,
    /// For main and tracked tasks to return.
    pub drain: Duration,
    /// Readiness is down and the service still works: for load balancers.
    pub drain_delay: Duration,
    /// When the service counts as up; `None` is `Readiness::Implied`, and not enough where there are probes.
    pub ready: Option<Readiness>,
    /// Where probes are answered, such as `"0.0.0.0:8080"` or `"unix:/run/app/probes.sock"`; needs the feature `http`.
    pub probes: Option<&'static str>,
    /// What SIGHUP does; by default that depends, see `Hangup`.
    pub on_hangup: Option<Hangup>,
    /// Whether a panic in any task or thread ends the run.
    pub end_on_panic: bool,
    /// `restart(…)`, or `false`.
    pub restart: RestartOptions,
    /// `watchdog(…)`, or `false`.
    pub watchdog: WatchdogOptions,
    /// `runtime`: what builds it, instead of the next two.
    pub runtime: Option<RuntimeBuilder>,
    /// `flavor`.
    pub flavor: Flavor,
    /// `worker_threads`; tokio's default is the number of cores.
    pub worker_threads: Option<usize>,
}

/// Makes the builder of a run's runtime. `enable_all`, `on_thread_start` and `on_thread_park` are called on it.
///
/// ```
/// let runtime: lifecycle::RuntimeBuilder = tokio::runtime::Builder::new_current_thread;
/// # let _ = runtime;
/// ```
pub type RuntimeBuilder = fn() -> tokio::runtime::Builder;

/// `restart(…)`.
///
/// ```
/// use std::time::Duration;
/// use lifecycle::{RestartOptions, Service};
///
/// let restart = RestartOptions { max_crashes: 5, wait: Duration::from_secs(30), ..RestartOptions::DEFAULT };
/// let service = Service::new().restart(restart);
/// # drop(service);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RestartOptions {
    /// `restart = false` makes it false.
    pub enabled: bool,
    /// As many crashes within `within` restart at once.
    pub max_crashes: u32,
    /// The window.
    pub within: Duration,
    /// The first wait.
    pub wait: Duration,
    /// What each further crash multiplies the wait by.
    pub factor: u32,
    /// The longest wait.
    pub max_wait: Duration,
    /// The wait after a crash that restarts at once.
    pub first_wait: Duration,
    /// Each wait is longer by a random part of it, up to this: 0.25 is a quarter. For replicas that crash together.
    pub jitter: f64,
    /// The longest wait that a failure may ask for.
    pub max_retry_after: Duration,
    /// The ledger's file; by default `.restart_count` in the state directory.
    pub file: Option<&'static str>,
    /// What runs main again.
    pub mode: RestartMode,
    /// The URL of a Redis in which replicas share their crashes.
    pub store: Option<&'static str>,
    /// The name under which they share them; by default that of the executable's file.
    pub service: Option<&'static str>,
}

/// `restart(mode = …)`.
///
/// ```
/// use lifecycle::{RestartMode, RestartOptions};
///
/// let restart = RestartOptions { mode: RestartMode::Exec, ..RestartOptions::DEFAULT };
/// # let _ = restart;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartMode {
    /// Main again, on a fresh runtime in the same process.
    Task,
    /// A fresh image of the executable in the same process: `execve`.
    Exec,
}

/// `watchdog(…)`.
///
/// ```
/// use std::time::Duration;
/// use lifecycle::{Service, WatchdogOptions};
///
/// let watchdog = WatchdogOptions { timeout: Duration::from_secs(20), ..WatchdogOptions::DEFAULT };
/// let service = Service::new().watchdog(watchdog);
/// # drop(service);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WatchdogOptions {
    /// `watchdog = false` makes it false.
    pub enabled: bool,
    /// The limit of every heartbeat that names none.
    pub timeout: Duration,
    /// The limit of a heartbeat that has not beaten yet.
    pub startup: Duration,
    /// What follows a hang.
    pub on_hang: OnHang,
    /// One poll of any task that takes longer is a warning.
    pub worker: Duration,
}

/// `watchdog(on_hang = …)`.
///
/// ```
/// use lifecycle::{OnHang, WatchdogOptions};
///
/// let watchdog = WatchdogOptions { on_hang: OnHang::Abort, ..WatchdogOptions::DEFAULT };
/// # let _ = watchdog;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnHang {
    /// The process ends with exit code 1.
    Exit,
    /// The process ends by SIGABRT, so that the system keeps a core dump.
    Abort,
    /// A fresh image of the executable in the same process: `execve`.
    Exec,
}

/// `ready = …`.
///
/// ```
/// assert_eq!(lifecycle::Options::DEFAULT.ready, None);
/// let ready = Some(lifecycle::Readiness::Explicit);
/// # drop(ready);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// At the first heartbeat, after a second of main, or by `ready()`.
    Implied,
    /// By `ready()` alone.
    Explicit,
}

/// `on_hangup = …`. Not written: a reload where anything would hear of it; else SIGHUP is ignored under systemd, which
/// sends it for a reload, and stops the service elsewhere, where a terminal has gone.
///
/// ```
/// use lifecycle::{Hangup, Options};
///
/// let options = Options { on_hangup: Some(Hangup::Reload), ..Options::DEFAULT };
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// A graceful stop.
    Stop,
    /// A reload.
    Reload,
    /// Nothing.
    Ignore,
}

/// The kind of tokio runtime.
///
/// ```
/// use lifecycle::{Flavor, Options};
///
/// let options = Options { flavor: Flavor::CurrentThread, ..Options::DEFAULT };
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Several workers.
    MultiThread,
    /// One thread for everything.
    CurrentThread,
}

impl Options {
    /// What is used where nothing was written.
    pub const DEFAULT: Options = Options {
        shutdown_timeout: Duration::from_secs(25),
        drain: Duration::from_secs(5),
        drain_delay: Duration::ZERO,
        ready: None,
        probes: None,
        on_hangup: None,
        end_on_panic: false,
        restart: RestartOptions::DEFAULT,
        watchdog: WatchdogOptions::DEFAULT,
        runtime: None,
        flavor: Flavor::MultiThread,
        worker_threads: None,
    };
}

impl RestartOptions {
    /// More than 3 crashes in 5 minutes wait 60 s, doubling up to 5 minutes.
    pub const DEFAULT: RestartOptions = RestartOptions {
        enabled: true,
        max_crashes: 3,
        within: Duration::from_secs(300),
        wait: Duration::from_secs(60),
        factor: 2,
        max_wait: Duration::from_secs(300),
        first_wait: Duration::ZERO,
        jitter: 0.0,
        max_retry_after: Duration::from_secs(24 * 3600),
        file: None,
        mode: RestartMode::Task,
        store: None,
        service: None,
    };
}

impl WatchdogOptions {
    /// 60 s, at start-up too; then the process ends.
    pub const DEFAULT: WatchdogOptions = WatchdogOptions {
        enabled: true,
        timeout: Duration::from_secs(60),
        startup: Duration::from_secs(60),
        on_hang: OnHang::Exit,
        worker: Duration::from_secs(10),
    };
}
