//! Whether this service may replace its image: `restart(mode = "exec")` and `watchdog(on_hang = "exec")`.

use super::reader::Reader;
use super::resolve::Config;
use crate::config::options::{OnHang, RestartMode};
use crate::model::error::ConfigError;

impl Reader<'_> {
    /// A re-exec needs a system that can do it, and after a hang the memory that bounds how often.
    pub(super) fn check_images(&mut self, config: &mut Config) {
        // Who switches restarts off for a while means the rest of the attribute to stay as it is.
        let is_override =
            self.get("LIFECYCLE_RESTART").is_some() && self.get("LIFECYCLE_WATCHDOG_ON_HANG").is_none();
        if let Some(watchdog) = config.watchdog.as_mut().filter(|_| config.restart.is_none() && is_override) {
            watchdog.on_hang = OnHang::Exit;
        }
        let restart = config.restart.as_ref().is_some_and(|restart| restart.mode == RestartMode::Exec);
        let on_hang = config.watchdog.is_some_and(|watchdog| watchdog.on_hang == OnHang::Exec);
        let mode = self.source("LIFECYCLE_RESTART_MODE", "restart(mode = …)", "exec");
        let hang = self.source("LIFECYCLE_WATCHDOG_ON_HANG", "watchdog(on_hang = …)", "exec");
        for (asked, name, instead) in [(restart, &mode, "task"), (on_hang, &hang, "exit")] {
            if asked && !cfg!(unix) {
                self.errors.push(ConfigError::new(format!(
                    "{name}: this system cannot re-execute a program: write \"{instead}\""
                )));
            }
        }
        if on_hang && config.restart.is_none() {
            self.errors.push(ConfigError::new(format!(
                "{hang}: without restarts nothing bounds how often a service that hangs begins anew: write \
                 `watchdog(on_hang = \"exit\")`, or leave out `restart = false` and LIFECYCLE_RESTART=off"
            )));
        }
    }
}
