//! The thread that hosts one run: its tokio runtime, main's body on it, and the end of both.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::cause::Cause;
use crate::config::Config;
use crate::listen::Listening;
use crate::options::Flavor;
use crate::session::{Membership, Session, Stop};
use crate::unwind::{Caught, Ended, call};
use crate::{log, watchdog};

/// Main's body, to be run again after a crash. Its future need not be `Send`: it is made and polled on one thread.
#[derive(Clone)]
pub(crate) enum Body {
    Async(Arc<dyn Fn() -> LocalFuture + Send + Sync>),
    Sync(Arc<dyn Fn() -> Result<(), String> + Send + Sync>),
}

pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Blocking threads have this long to end when the runtime is dropped.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

/// As much stack as the process's own main thread has; the pages are used only when touched.
const STACK: usize = 8 << 20;

/// Starts the run on a thread of its own: the calling thread stays free to orchestrate, whatever the body does.
pub(crate) fn host(session: Arc<Session>, config: &Config, body: Body) -> io::Result<()> {
    let runtime = build(config)?;
    let probe = config.watchdog.map(|watchdog| (watchdog.timeout / 4).min(Duration::from_secs(10)));
    session.set_runtime(runtime.handle().clone());
    // Joined here, before a shutdown can begin: it must find main among the tasks that it tells to go.
    let dropped = CancellationToken::new();
    let stop = if let Body::Async(_) = body { Stop::Cancel(dropped.clone()) } else { Stop::Thread };
    let membership = session.join("main", None, stop);
    main_thread().spawn(move || {
        if let Some(interval) = probe {
            runtime.spawn(beat(interval));
        }
        match body {
            Body::Async(body) => run_async(&runtime, membership, &dropped, &*body),
            Body::Sync(body) => run_sync(&session, &runtime, membership, body),
        }
        // Hooks need a runtime that is driven: a current-thread one is driven here alone.
        runtime.block_on(session.quit.cancelled());
        let begun = Instant::now();
        runtime.shutdown_timeout(FAREWELL);
        if begun.elapsed() >= FAREWELL {
            log::warn("a blocking task of the runtime does not end: it is left behind");
        }
        session.set_gone();
    })?;
    Ok(())
}

fn build(config: &Config) -> io::Result<Runtime> {
    let mut builder = match config.flavor {
        Flavor::MultiThread => Builder::new_multi_thread(),
        Flavor::CurrentThread => Builder::new_current_thread(),
    };
    if let Some(workers) = config.worker_threads {
        builder.worker_threads(workers);
    }
    builder.enable_all().build()
}

/// Named as the thread that the user's code would run on without us: panics say "thread 'main'".
fn main_thread() -> std::thread::Builder {
    let builder = std::thread::Builder::new().name("main".into());
    if std::env::var_os("RUST_MIN_STACK").is_some() { builder } else { builder.stack_size(STACK) }
}

async fn beat(interval: Duration) {
    loop {
        watchdog::RUNTIME.beat();
        tokio::time::sleep(interval).await;
    }
}

fn run_async(
    runtime: &Runtime,
    membership: Membership,
    dropped: &CancellationToken,
    body: &dyn Fn() -> LocalFuture,
) {
    let _context = runtime.enter();
    let main = match Caught::new(body) {
        Ok(future) => Listening { ear: membership.ear, future },
        Err(ended) => return membership.main_ended(ended),
    };
    // None: it was told to go, and was dropped right here.
    let ended = runtime.block_on(dropped.run_until_cancelled(main));
    if let Some(ended) = ended {
        membership.main_ended(ended);
    }
}

/// A `fn main` has a thread of its own, so that this one goes on driving the runtime.
fn run_sync(
    session: &Session,
    runtime: &Runtime,
    membership: Membership,
    body: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
) {
    let handle = runtime.handle().clone();
    let spawned = main_thread().spawn(move || {
        let _context = handle.enter();
        membership.ear.own_thread();
        let ended = call(|| body());
        membership.main_ended(ended);
    });
    if let Err(error) = spawned {
        session.end(Cause::MainFailed(format!("its thread cannot be started: {error}")));
    }
}

/// Runs `init` on a thread of its own, so that a signal is heard while it works.
pub(crate) fn run_init(
    init: Box<dyn FnOnce() -> Result<(), String> + Send>,
    done: impl FnOnce(Ended) + Send + 'static,
) -> io::Result<()> {
    main_thread().spawn(move || done(call(init)))?;
    Ok(())
}
