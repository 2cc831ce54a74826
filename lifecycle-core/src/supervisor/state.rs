//! What a process under `#[lifecycle::main]` keeps over its runs.

use super::events::EventHandler;
use super::manager::LifecycleManager;
use super::runtime::Body;
use crate::config::resolve::Config;
use crate::os::log::Level;

pub(super) struct Supervisor {
    pub(super) manager: &'static LifecycleManager,
    pub(super) config: Config,
    pub(super) body: Body,
    pub(super) events: EventHandler,
    pub(super) runs: u32,
    pub(super) threads_started: bool,
    pub(super) plan_logged: bool,
    /// What is to be logged once `init` has set up the log.
    pub(super) announcement: Option<(Level, String)>,
    /// Why exit code 0 would be a lie although the last run stops well: an earlier one did not.
    pub(super) earlier_failure: Option<String>,
}

impl Supervisor {
    pub(super) fn new(manager: &'static LifecycleManager, config: Config, body: Body) -> Supervisor {
        Supervisor {
            events: EventHandler::new(manager, &config),
            manager,
            config,
            body,
            runs: 0,
            threads_started: false,
            plan_logged: false,
            announcement: None,
            earlier_failure: None,
        }
    }
}
