//! One run of a service under test, from main's first poll to the report.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};
use tokio_util::sync::CancellationToken;

use super::polls::{Poll, Polls};
use super::script::Script;
use crate::model::cause::{Cause, Signal};
use crate::model::outcome::Failed;
use crate::model::report::Report;
use crate::os::lock::lock;
use crate::shutdown::{Subject, shut_down_paced};
use crate::supervisor::tasks::Unobserved;
use crate::supervisor::{LifecycleManager, current};
use crate::tasks::catch_panic::Caught;
use crate::tasks::membership::Membership;
use crate::tasks::on_poll;
use crate::tasks::run::{MAIN, Run};
use crate::tasks::stop::Stop;
use crate::tasks::tracked_future::TrackedFuture;

type LocalFuture = Pin<Box<dyn Future<Output = Result<(), Failed>>>>;

/// Main's body.
pub(super) type Body = Arc<dyn Fn() -> LocalFuture + Send + Sync>;

/// What came of a run.
pub(super) struct Finished {
    pub(super) report: Report,
    pub(super) polls: Vec<Poll>,
}

/// On a thread of its own, so that it has a runtime whatever the caller has.
pub(super) async fn run(body: Body, script: Script) -> Finished {
    let (sender, receiver) = oneshot::channel();
    let work = move || drop(sender.send(run_here(&body, &script)));
    let thread = std::thread::Builder::new().name("lifecycle-test".into()).spawn(work);
    let thread = thread.expect("the test needs a thread");
    match receiver.await {
        Ok(finished) => finished,
        Err(_) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("its result is sent"),
        },
    }
}

fn run_here(body: &Body, script: &Script) -> Finished {
    let manager = LifecycleManager::on_tokio_time();
    let ours = manager.clone();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(!script.real_time)
        .on_thread_start(move || current::set(Some(ours.clone())))
        .build()
        .expect("the test needs a runtime");
    current::set(Some(manager.clone()));
    let polls = Polls::default();
    let tasks = LocalSet::new();
    let report = tasks.block_on(&runtime, life(&manager, body, script, &polls));
    on_poll::set(None);
    // What main has left behind runs its destructors while the free functions still speak to its manager.
    drop(tasks);
    runtime.shutdown_timeout(Duration::from_secs(1));
    current::set(None);
    Finished { report, polls: polls.take() }
}

async fn life(manager: &LifecycleManager, body: &Body, script: &Script, polls: &Polls) -> Report {
    let run = manager.current_run();
    run.set_runtime(Handle::current());
    lock(manager.registry()).fault = script.fault.map(|(hook, fault)| (hook, fault.call()));
    polls.watch(&run, script);
    if script.at_poll == Some(0) {
        run.end(Cause::Signal(Signal::Terminate));
    }
    let dropped = CancellationToken::new();
    let membership = run.join(MAIN, None, Stop::Cancel(dropped.clone()));
    spawn_local(main_task(body.clone(), membership, dropped.clone()));
    manager.spawn_declared_functions();
    if let Some((cause, after)) = script.end.clone().filter(|_| script.at_poll.is_none()) {
        spawn_local(end_after(run.clone(), cause, after, dropped));
    }
    while run.cause().is_none() {
        run.wakeup.notified().await;
    }
    while let Some(wait) = run.is_unsettled_for() {
        run.clock.wait(&run.wakeup, wait).await;
    }
    run.stop();
    let subject = Subject {
        registry: manager.registry(),
        run: &run,
        runtime: &Handle::current(),
        in_progress: manager.in_progress(),
    };
    shut_down_paced(&subject, script.budget, &mut Unobserved).await
}

async fn main_task(body: Body, membership: Membership, dropped: CancellationToken) {
    let main = match Caught::new(|| body()) {
        Ok(future) => TrackedFuture { task: membership.slot, future },
        Err(ended) => return membership.main_ended(ended),
    };
    if let Some(ended) = dropped.run_until_cancelled(main).await {
        membership.main_ended(ended);
    }
}

/// A main that has failed is gone.
async fn end_after(run: Arc<Run>, cause: Cause, after: Duration, dropped: CancellationToken) {
    tokio::time::sleep(after).await;
    if cause.is_failure() {
        dropped.cancel();
    }
    run.end(cause);
}
