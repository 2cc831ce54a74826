//! The entry point, by hand or as `#[lifecycle::main]` generates it: signals first, then the configuration, then the
//! service's life.

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::init::{GuardSlot, Init, InitOutcome};
use super::manager::LifecycleManager;
use super::runtime::Body;
use super::state::Supervisor;
use super::{answers, re_exec};
use crate::config::options::{Options, RestartOptions, RuntimeBuilder, WatchdogOptions};
use crate::config::platform::{self, GRACE};
use crate::config::resolve::Config;
use crate::hang;
use crate::model::error::ConfigError;
use crate::model::outcome::MainOutcome;
use crate::model::plan::{BeforeMain, Plan};
use crate::model::report::EXIT_PERMANENT;
use crate::os::re_exec::VARIABLE;
use crate::os::{deadline, environment, journal, log, signal, stderr, termination_log};
use crate::watchdog;
use crate::{probes, sockets, systemd};

/// `EX_CONFIG` of sysexits.h, as after a permanent failure.
const EXIT_CONFIG: u8 = EXIT_PERMANENT;

/// As long as the guard that `init` has returned may take to flush.
const GUARD_TIMEOUT: Duration = Duration::from_secs(2);

/// What `#[lifecycle::main]` makes of a program, by hand: for a `main` that has something to do before, or options that are
/// known at run time only. The environment wins over the options here, too.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::time::Duration;
/// use lifecycle::{RestartOptions, Service};
///
/// async fn app() -> Result<(), std::io::Error> {
///     lifecycle::stopping().await;
///     Ok(())
/// }
///
/// fn main() -> ExitCode {
///     let restart = RestartOptions { wait: Duration::from_secs(30), ..RestartOptions::DEFAULT };
///     Service::new().restart(restart).run(app)
/// }
/// ```
#[must_use = "nothing runs before `run`"]
pub struct Service {
    options: Options,
    init: Option<Init>,
    guard: GuardSlot,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Default for Service {
    fn default() -> Service {
        Service::new()
    }
}

impl Service {
    /// With the defaults of every option.
    pub fn new() -> Service {
        Service { options: Options::DEFAULT, init: None, guard: GuardSlot::default() }
    }

    /// Replaces all options.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lifecycle::{Options, Service};
    ///
    /// let options = Options { drain: Duration::from_secs(10), ..Options::DEFAULT };
    /// let service = Service::new().options(options);
    /// # drop(service);
    /// ```
    pub fn options(mut self, options: Options) -> Service {
        self.options = options;
        self
    }

    /// When a crash waits, and for how long.
    pub fn restart(mut self, restart: RestartOptions) -> Service {
        self.options.restart = restart;
        self
    }

    /// When a heartbeat is late, and what follows.
    pub fn watchdog(mut self, watchdog: WatchdogOptions) -> Service {
        self.options.watchdog = watchdog;
        self
    }

    /// A function to be run once in a process image, before the first runtime. What it returns as `Ok` is kept until the last
    /// line was logged, and dropped then: the guard of a log that is written in the background.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    /// use lifecycle::Service;
    ///
    /// # struct WorkerGuard;
    /// fn logging() -> std::io::Result<WorkerGuard> {
    ///     // … tracing_appender::non_blocking, tracing_subscriber::fmt().with_writer(…).init() …
    ///     Ok(WorkerGuard)
    /// }
    ///
    /// fn main() -> ExitCode {
    ///     Service::new().init(logging).run(lifecycle::stopping)
    /// }
    /// ```
    pub fn init<R: InitOutcome>(mut self, init: impl FnOnce() -> R + Send + 'static) -> Service {
        self.init = Some(self.guard.fill_by(init));
        self
    }

    /// What makes the builder of each run's runtime. `enable_all`, `on_thread_start` and `on_thread_park` are called on it, so
    /// hooks of yours for the last two are replaced.
    ///
    /// ```no_run
    /// use lifecycle::Service;
    /// use tokio::runtime::Builder;
    ///
    /// fn runtime() -> Builder {
    ///     let mut builder = Builder::new_multi_thread();
    ///     builder.max_blocking_threads(32);
    ///     builder
    /// }
    ///
    /// let service = Service::new().runtime(runtime);
    /// # drop(service);
    /// ```
    pub fn runtime(mut self, runtime: RuntimeBuilder) -> Service {
        self.options.runtime = Some(runtime);
        self
    }

    /// Runs an `async fn` as main, again after each crash, and returns the exit code for the process. The calling thread
    /// handles signals and deadlines meanwhile; it may be one of another runtime.
    #[must_use = "it is the exit code of the process"]
    pub fn run<F, Fut>(self, main: F) -> ExitCode
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: MainOutcome,
    {
        self.run_body(Body::Async(Arc::new(move || {
            let main = main();
            Box::pin(async move { main.await.main_outcome() })
        })))
    }

    /// As [`run`](Service::run), for a plain `fn`.
    #[must_use = "it is the exit code of the process"]
    pub fn run_sync<F, R>(self, main: F) -> ExitCode
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: MainOutcome,
    {
        self.run_body(Body::Sync(Arc::new(move || main().main_outcome())))
    }

    fn run_body(self, body: Body) -> ExitCode {
        // Before anything of ours opens a descriptor that somebody else says is a socket.
        let warnings = sockets::adopt(environment::take(VARIABLE), &|name| std::env::var(name).ok());
        look_at_outputs();
        let manager = LifecycleManager::global();
        signal::install(manager.wakeup(), watchdog::wakeup());
        let environment = |name: &str| std::env::var_os(name);
        let config = Config::resolve(&self.options, &environment, &executable())
            .and_then(|config| manager.plan().check().map(|()| config));
        let mut config = match config {
            Ok(config) => config,
            Err(errors) => return refuse(&errors),
        };
        if config.plan_only {
            return print_plan(&manager.plan(), config.shutdown_timeout);
        }
        // Before the program can change its working directory.
        if let Some(restart) = &mut config.restart {
            restart.file = std::path::absolute(&restart.file).unwrap_or_default();
        }
        manager.start_service(config.ready);
        if let Some(Err(error)) = config.probes.as_ref().map(|probes| probes::start(probes, answers::SOURCE))
        {
            return refuse(&[error]);
        }
        re_exec::prepare(&config, &self.guard);
        if config.restart.is_some() {
            sockets::keep();
        }
        // After that: the next image finds in its environment what is taken out of this one's.
        warnings.into_iter().chain(systemd::start()).for_each(log::warn);
        hang::settings::set(config.hang.clone());
        deadline::set_budget(config.shutdown_timeout.saturating_add(GRACE));
        let code = Supervisor::new(manager, config, body).run(self.init);
        flush(&self.guard);
        ExitCode::from(code)
    }
}

/// The last lines, whoever writes them.
fn flush(guard: &GuardSlot) {
    hang::flush(deadline::soon(Duration::from_secs(2)));
    log::flush(Instant::now() + Duration::from_millis(250));
    guard.drop_until(deadline::soon(GUARD_TIMEOUT));
}

fn print_plan(plan: &Plan, budget: Duration) -> ExitCode {
    // The reader may be gone.
    let _ = writeln!(std::io::stdout(), "{}  {}", BeforeMain(plan), platform::grant(budget));
    ExitCode::SUCCESS
}

/// Where what is said goes to, besides stderr.
fn look_at_outputs() {
    journal::look();
    termination_log::prepare(std::env::var_os(termination_log::VARIABLE));
}

/// The name of the executable's file, also once that was deleted.
fn executable() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned()
}

/// Nothing was started: no init, no ledger, no main.
fn refuse(errors: &[ConfigError]) -> ExitCode {
    for error in errors {
        stderr::write(format!("ERROR lifecycle: {error}\n").as_bytes());
    }
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    termination_log::write(format_args!(
        "nothing was started: {}\nexit code {EXIT_CONFIG}\n",
        texts.join("\n")
    ));
    ExitCode::from(EXIT_CONFIG)
}
