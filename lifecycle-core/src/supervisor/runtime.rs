//! The thread that hosts one run: its tokio runtime, main's body on it, and the end of both.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::config::options::Flavor;
use crate::config::resolve::Config;
use crate::model::cause::Cause;
use crate::model::outcome::Failed;
use crate::tasks::catch_panic::{Caught, Ended, call};
use crate::tasks::generation;
use crate::tasks::membership::Membership;
use crate::tasks::run::{MAIN, Run};
use crate::tasks::stop::Stop;
use crate::tasks::tracked_future::TrackedFuture;
use crate::tasks::workers::{self, Threads, Workers};
use crate::watchdog;

/// Main's body, to be run again after a crash. Its future need not be `Send`: it is made and polled on one thread.
#[derive(Clone)]
pub(super) enum Body {
    Async(Arc<dyn Fn() -> LocalFuture + Send + Sync>),
    Sync(Arc<dyn Fn() -> Result<(), Failed> + Send + Sync>),
}

pub(super) type LocalFuture = Pin<Box<dyn Future<Output = Result<(), Failed>>>>;

/// Blocking threads have this long to end when the runtime is dropped.
pub(super) const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// As much stack as the process's own main thread has; the pages are used only when touched.
const STACK: usize = 8 << 20;

/// Starts the run on a thread of its own: the calling thread stays free to orchestrate, whatever the body does.
pub(super) fn host(run: &Arc<Run>, config: &Config, body: Body) -> io::Result<()> {
    // tokio panics where a variable of its own is wrong, or the system gives it no thread.
    let threads = Threads::default();
    let runtime = catch_unwind(AssertUnwindSafe(|| build(config, run.generation(), &threads)))
        .unwrap_or_else(|_| Err(io::Error::other("tokio panicked, see above")))?;
    let probe = config.watchdog.map(|watchdog| (watchdog.timeout / 4).min(Duration::from_secs(10)));
    let handle = runtime.handle().clone();
    Workers::watch(&handle, threads);
    // Joined here, before a shutdown can begin: it must find main among the tasks that it drops.
    let dropped = CancellationToken::new();
    let stop = if let Body::Async(_) = body { Stop::Cancel(dropped.clone()) } else { Stop::Thread };
    let membership = run.join(MAIN, None, stop);
    let hosted = run.clone();
    main_thread().spawn(move || {
        // Before main's first line: its threads may spawn.
        hosted.set_runtime(runtime.handle().clone());
        hosted.begin();
        membership.slot.set_main();
        if let Some(interval) = probe {
            runtime.spawn(beat(interval));
        }
        match body {
            Body::Async(body) => run_async(&runtime, membership, &dropped, &*body),
            Body::Sync(body) => run_sync(&hosted, &runtime, membership, body),
        }
        // Hooks need a runtime that is driven: a current-thread one is driven here alone.
        runtime.block_on(hosted.quit.cancelled());
        workers::forget();
        let begun = Instant::now();
        runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
        hosted.set_gone(begun.elapsed() >= RUNTIME_SHUTDOWN_TIMEOUT);
    })?;
    // Whoever comes first; not before there is a thread that drives it.
    run.set_runtime(handle);
    Ok(())
}

fn build(config: &Config, generation: Option<u32>, threads: &Threads) -> io::Result<Runtime> {
    let mut builder = match (config.runtime, config.flavor) {
        (Some(runtime), _) => runtime(),
        (None, Flavor::MultiThread) => Builder::new_multi_thread(),
        (None, Flavor::CurrentThread) => Builder::new_current_thread(),
    };
    if let Some(workers) = config.worker_threads {
        builder.worker_threads(workers);
    }
    builder.on_thread_start(move || generation.into_iter().for_each(generation::bind_to));
    let threads = threads.clone();
    builder.on_thread_park(move || threads.parks());
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
        Ok(future) => TrackedFuture { task: membership.slot, future },
        Err(ended) => return membership.main_ended(ended),
    };
    // None: it was cancelled, and was dropped right here.
    let ended = runtime.block_on(dropped.run_until_cancelled(main));
    if let Some(ended) = ended {
        membership.main_ended(ended);
    }
}

/// A `fn main` has a thread of its own, so that this one goes on driving the runtime.
fn run_sync(
    run: &Run,
    runtime: &Runtime,
    membership: Membership,
    body: Arc<dyn Fn() -> Result<(), Failed> + Send + Sync>,
) {
    let (handle, generation) = (runtime.handle().clone(), run.generation());
    let spawned = main_thread().spawn(move || {
        generation.into_iter().for_each(generation::bind_to);
        let _context = handle.enter();
        membership.slot.own_thread();
        let ended = call(|| body());
        membership.main_ended(ended);
    });
    if let Err(error) = spawned {
        run.end(Cause::MainFailed(format!("its thread cannot be started: {error}")));
    }
}

/// Runs `init` on a thread of its own, so that a signal is heard while it works.
pub(super) fn run_init(
    init: Box<dyn FnOnce() -> Result<(), Failed> + Send>,
    done: impl FnOnce(Ended) + Send + 'static,
) -> io::Result<()> {
    main_thread().spawn(move || done(call(init)))?;
    Ok(())
}
