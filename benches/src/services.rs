//! Idle services, one a library: each tells when its main began, that it is up, and when its first hook is called.

use std::process::ExitCode;

use crate::clock;

/// Arguments, environment, title.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    pub(crate) title: &'static str,
}

const fn program(
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    title: &'static str,
) -> Program {
    Program { name, environment, title }
}

/// The first is what the others are measured by, the second is ours.
pub(crate) const PROGRAMS: [Program; 6] = [
    program("bare", &[], "plain tokio, `tokio::signal`"),
    program("ours", &[], "**lifecycle**"),
    program("ours", &[("LIFECYCLE_RESTART", "off")], "**lifecycle** without its ledger"),
    program("tracker", &[], "TaskTracker"),
    program("graceful", &[], "tokio-graceful"),
    program("graceful-shutdown", &[], "tokio-graceful-shutdown"),
];

/// The service of one library.
pub(crate) fn service(name: &str) -> ExitCode {
    match name {
        "bare" => bare::run(),
        "ours" => ours::run(),
        "tracker" => tracker::run(),
        "graceful" => graceful::run(),
        _ => graceful_shutdown::run(),
    }
}

/// The first line of a main.
fn main_begins() {
    println!("{} {}", clock::now(), clock::entered());
}

fn up() {
    println!("up");
}

fn hook() {
    println!("{}", clock::now());
}

mod bare {
    use std::process::ExitCode;

    use tokio::signal::unix::{SignalKind, signal};

    #[tokio::main(worker_threads = 2)]
    async fn main() {
        super::main_begins();
        let mut terminate = signal(SignalKind::terminate()).expect("a handler");
        super::up();
        terminate.recv().await;
        super::hook();
    }

    pub(super) fn run() -> ExitCode {
        main();
        ExitCode::SUCCESS
    }
}

mod ours {
    use std::process::ExitCode;

    struct Component;

    impl Component {
        #[lifecycle::component(phase = "stop")]
        async fn stop(&self) {
            super::hook();
        }
    }

    #[lifecycle::main(worker_threads = 2)]
    async fn main() {
        super::main_begins();
        lifecycle::manage(Component);
        super::up();
        std::future::pending::<()>().await;
    }

    pub(super) fn run() -> ExitCode {
        main()
    }
}

mod tracker {
    use std::process::ExitCode;

    use tokio::signal::unix::{SignalKind, signal};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    #[tokio::main(worker_threads = 2)]
    async fn main() {
        super::main_begins();
        let tracker = TaskTracker::new();
        let token = CancellationToken::new();
        let component = token.clone();
        tracker.spawn(async move {
            component.cancelled().await;
            super::hook();
        });
        let mut terminate = signal(SignalKind::terminate()).expect("a handler");
        super::up();
        terminate.recv().await;
        tracker.close();
        token.cancel();
        tracker.wait().await;
    }

    pub(super) fn run() -> ExitCode {
        main();
        ExitCode::SUCCESS
    }
}

mod graceful {
    use std::process::ExitCode;
    use std::time::Duration;

    use tokio_graceful::Shutdown;

    #[tokio::main(worker_threads = 2)]
    async fn main() {
        super::main_begins();
        let shutdown = Shutdown::default();
        shutdown.spawn_task_fn(|guard| async move {
            guard.cancelled().await;
            super::hook();
        });
        super::up();
        shutdown.shutdown_with_limit(Duration::from_secs(25)).await.expect("it is in time");
    }

    pub(super) fn run() -> ExitCode {
        main();
        ExitCode::SUCCESS
    }
}

mod graceful_shutdown {
    use std::process::{ExitCode, Termination};
    use std::time::Duration;

    use miette::Result;
    use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

    async fn component(subsys: &mut SubsystemHandle) -> Result<()> {
        super::up();
        subsys.on_shutdown_requested().await;
        super::hook();
        Ok(())
    }

    #[tokio::main(worker_threads = 2)]
    async fn main() -> Result<()> {
        super::main_begins();
        Toplevel::new(async |subsys: &mut SubsystemHandle| {
            subsys.start(SubsystemBuilder::new("component", component));
        })
        .catch_signals()
        .handle_shutdown_requests(Duration::from_secs(25))
        .await
        .map_err(Into::into)
    }

    pub(super) fn run() -> ExitCode {
        main().report()
    }
}
