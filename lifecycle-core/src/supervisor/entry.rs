//! The entry point that `#[lifecycle::main]` generates: signals first, then the configuration, then the service's life.

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::manager::LifecycleManager;
use super::re_exec;
use super::runtime::Body;
use super::service::{GRACE, Init, Service};
use crate::config::options::Options;
use crate::config::resolve::Config;
use crate::hang;
use crate::model::error::ConfigError;
use crate::model::outcome::{MainOutcome, Outcome};
use crate::model::report::EXIT_PERMANENT;
use crate::os::{deadline, log, signal, stderr};
use crate::watchdog;

/// `EX_CONFIG` of sysexits.h, as after a permanent failure.
const EXIT_CONFIG: u8 = EXIT_PERMANENT;

/// What `#[lifecycle::main]` makes of a program.
pub struct Main {
    options: Options,
    init: Option<Init>,
}

impl fmt::Debug for Main {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Main").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Main {
    /// With the attribute's options.
    #[must_use]
    pub fn new(options: Options) -> Main {
        Main { options, init: None }
    }

    /// A function to be run once, before the first runtime.
    #[must_use]
    pub fn init<R: Outcome + 'static>(mut self, init: fn() -> R) -> Main {
        self.init = Some(Box::new(move || init().outcome()));
        self
    }

    /// Runs an `async fn main`.
    #[must_use]
    pub fn run_async<F, Fut>(self, main: F) -> ExitCode
    where
        F: Fn() -> Fut + Copy + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: MainOutcome,
    {
        self.run(Body::Async(Arc::new(move || Box::pin(async move { main().await.main_outcome() }))))
    }

    /// Runs a plain `fn main`.
    #[must_use]
    pub fn run_sync<F, R>(self, main: F) -> ExitCode
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: MainOutcome,
    {
        self.run(Body::Sync(Arc::new(move || main().main_outcome())))
    }

    fn run(self, body: Body) -> ExitCode {
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
            // The reader may be gone.
            let _ = write!(std::io::stdout(), "{}", manager.plan());
            return ExitCode::SUCCESS;
        }
        // Before the program can change its working directory.
        if let Some(restart) = &mut config.restart {
            restart.file = std::path::absolute(&restart.file).unwrap_or_default();
        }
        re_exec::prepare(&config);
        hang::settings::set(config.hang.clone());
        deadline::set_budget(config.shutdown_timeout.saturating_add(GRACE));
        let code = Service::new(manager, config, body).run(self.init);
        hang::flush(deadline::soon(Duration::from_secs(2)));
        log::flush(Instant::now() + Duration::from_millis(250));
        ExitCode::from(code)
    }
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
    ExitCode::from(EXIT_CONFIG)
}
