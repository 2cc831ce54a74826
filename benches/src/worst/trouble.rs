//! The component that misbehaves, and the one that is to be closed after it.

use std::future::pending;
use std::thread::sleep;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    AsyncHang,
    BlockedWorker,
    EveryWorkerBlocked,
    StuckSpawnBlocking,
    SpinningHook,
    Panic,
    Error,
    SlowDrop,
}

impl Trouble {
    pub(crate) const ALL: [Trouble; 9] = [
        Trouble::None,
        Trouble::AsyncHang,
        Trouble::BlockedWorker,
        Trouble::EveryWorkerBlocked,
        Trouble::StuckSpawnBlocking,
        Trouble::SpinningHook,
        Trouble::Panic,
        Trouble::Error,
        Trouble::SlowDrop,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Trouble::None => "nothing wrong",
            Trouble::AsyncHang => "async hang",
            Trouble::BlockedWorker => "blocked worker",
            Trouble::EveryWorkerBlocked => "every worker blocked",
            Trouble::StuckSpawnBlocking => "stuck `spawn_blocking`",
            Trouble::SpinningHook => "spinning hook",
            Trouble::Panic => "panic",
            Trouble::Error => "error",
            Trouble::SlowDrop => "slow Drop",
        }
    }

    /// Whether a hook in it waits for something that never comes.
    pub(crate) fn sleeps(self) -> bool {
        !matches!(self, Trouble::None | Trouble::SpinningHook | Trouble::Panic | Trouble::Error)
    }

    /// What the service was started for.
    pub(crate) fn asked() -> Trouble {
        let name = std::env::args().nth(3).unwrap_or_default();
        let found = Trouble::ALL.into_iter().find(|trouble| format!("{trouble:?}") == name);
        found.expect("the third argument names the trouble")
    }

    /// One a worker, where all are to be blocked.
    pub(crate) fn feeds(self) -> usize {
        if self == Trouble::EveryWorkerBlocked { 2 } else { 1 }
    }
}

pub(crate) struct Feed(pub(crate) Trouble);

impl Feed {
    #[lifecycle::component(order = 1)]
    pub(crate) async fn close(&self) -> Result<(), String> {
        match self.0 {
            Trouble::None | Trouble::SlowDrop => Ok(()),
            Trouble::AsyncHang => pending().await,
            Trouble::BlockedWorker | Trouble::EveryWorkerBlocked => {
                sleep(HOUR);
                Ok(())
            }
            Trouble::StuckSpawnBlocking => {
                let stuck = tokio::task::spawn_blocking(|| sleep(HOUR));
                stuck.await.map_err(|error| error.to_string())
            }
            Trouble::SpinningHook => loop {
                std::hint::spin_loop();
            },
            Trouble::Panic => panic!("no socket left"),
            Trouble::Error => Err("connection reset".to_owned()),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if self.0 == Trouble::SlowDrop {
            sleep(HOUR);
        }
    }
}

pub(crate) const CLOSED: &str = "database closed";

pub(crate) struct Database;

impl Database {
    #[lifecycle::component(order = 2)]
    pub(crate) async fn close(&self) {
        println!("{CLOSED}");
    }
}
