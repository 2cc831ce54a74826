//! `lifecycle::test`: a service under a manager of its own, in paused time; drills that find planted bugs are in `bugs.rs`.
#![cfg(feature = "test")]

mod bugs;

use std::time::Duration;

use lifecycle::test::{Fault, Service};
use lifecycle::{Cause, HookResult, Phase, Signal, on_stop};

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

struct Store;

impl Store {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) {
        millis(10).await;
    }

    #[lifecycle::component(phase = "disconnect")]
    fn close(&self) {}
}

async fn good() {
    lifecycle::manage(Store);
    let task = lifecycle::spawn("feed", async {
        while lifecycle::is_running() {
            millis(30).await;
        }
    });
    while lifecycle::is_running() {
        millis(100).await;
    }
    drop(task);
}

#[tokio::test]
async fn a_service_runs_in_no_time_under_its_own_manager() {
    let begun = std::time::Instant::now();
    let report = Service::new(good).stop_after(Duration::from_secs(3600)).run().await;
    assert!(report.is_success(), "{report}");
    assert_eq!(report.order(), ["Store::flush", "Store::close"]);
    assert_eq!(report.cause, Cause::Signal(Signal::Terminate));
    assert!(begun.elapsed() < Duration::from_secs(1800), "an hour passes in less");
    // Nothing of it reached the process's manager.
    assert!(lifecycle::is_running());
    assert_eq!(lifecycle::status().components, 0);
}

#[tokio::test]
async fn causes_are_what_the_test_says() {
    let service = || Service::new(good);
    assert_eq!(service().signal(Signal::Interrupt).run().await.cause, Cause::Signal(Signal::Interrupt));
    let crashed = service().crash_after(Duration::from_secs(1)).run().await;
    assert!(matches!(crashed.cause, Cause::MainFailed(_)) && crashed.exit_code() == 1, "{crashed}");
    assert_eq!(crashed.order(), ["Store::flush", "Store::close"]);
    let asked = Service::new(|| async {
        lifecycle::shutdown("enough");
    });
    assert_eq!(asked.run().await.cause, Cause::Requested("enough".into()));
    let failed = Service::new(|| async { Err::<(), _>(String::from("no route")) }).run().await;
    assert_eq!(failed.cause, Cause::MainFailed("\"no route\"".into()));
    let task = Service::new(|| async {
        lifecycle::spawn("broken", async { Err::<(), _>("no disk") });
        lifecycle::stopping().await;
    });
    assert!(matches!(task.run().await.cause, Cause::TaskFailed { .. }));
}

#[tokio::test]
async fn a_hook_that_hangs_costs_its_timeout_of_paused_time() {
    let reports = Service::new(good).stop_after(Duration::from_secs(1)).each_hook(Fault::Hang).await;
    assert_eq!(reports.len(), 2);
    for (report, hook) in reports.iter().zip(["Store::flush", "Store::close"]) {
        let of = |name: &str| report.hooks.iter().find(|hook| hook.name == name).expect("a row");
        assert_eq!(of(hook).result, HookResult::TimedOut, "{report}");
        assert_eq!(of(hook).took, Duration::from_secs(5), "{report}");
        assert_eq!(report.hooks.iter().filter(|hook| hook.result == HookResult::Done).count(), 1, "{report}");
    }
    for (fault, says) in [(Fault::Fail, "Failed"), (Fault::Panic, "Panicked")] {
        let reports = Service::new(good).stop_after(Duration::from_secs(1)).each_hook(fault).await;
        assert!(format!("{:?}", reports[0].hooks[0].result).starts_with(says), "{}", reports[0]);
    }
}

#[tokio::test]
async fn every_poll_of_main_and_of_its_tasks_is_tried() {
    let reports = Service::new(good)
        .stop_after(Duration::from_secs(1))
        .at_every_poll(|report| assert!(report.is_success()))
        .await;
    // Main at 0, 100, … ms, the task at 0, 30, 60, … ms.
    assert!((40..60).contains(&reports.len()), "{}", reports.len());
}

#[test]
fn services_run_beside_each_other() {
    let threads: Vec<_> = (0..20)
        .map(|number| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let name = format!("own {number}");
                let service = Service::new(move || {
                    on_stop(name.clone(), Phase::PERSIST, 0, || {}).detach();
                    async {}
                });
                let report = runtime.block_on(service.run());
                assert_eq!(report.order(), [format!("own {number}")]);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[tokio::test]
async fn blocking_threads_of_the_service_speak_to_its_manager() {
    let report = Service::new(|| async {
        tokio::task::spawn_blocking(|| {
            assert!(lifecycle::is_running());
            lifecycle::shutdown("from a blocking thread");
            assert!(!lifecycle::is_running());
        });
        lifecycle::stopping().await;
    });
    assert_eq!(report.run().await.cause, Cause::Requested("from a blocking thread".into()));
    assert!(lifecycle::is_running());
}

/// A service that is stopped while it starts has nothing in its plan yet; what it manages then shares the whole budget, although
/// the timeouts are ten times as long.
#[tokio::test]
async fn what_is_managed_in_a_short_shutdown_gets_its_time() {
    let app = || async {
        lifecycle::stopping().await;
        millis(1).await;
        for (name, phase) in [("halt", Phase::STOP), ("flush", Phase::PERSIST), ("close", Phase::DISCONNECT)]
        {
            let hook = lifecycle::on_stop(name, phase, 0, || millis(10));
            hook.timeout(Duration::from_secs(10)).detach();
        }
    };
    let report =
        Service::new(app).shutdown_timeout(Duration::from_secs(3)).stop_after(Duration::ZERO).run().await;
    assert!(report.is_success(), "{report}");
    assert_eq!(report.order(), ["halt", "flush", "close"]);
}

/// Any of them may be what does the work; with the last of it, or at the end of the drain, they are dropped.
#[tokio::test]
async fn no_task_is_dropped_while_work_is_under_way() {
    for (work, is_done) in [(4900, true), (5100, false)] {
        let app = move || async move {
            lifecycle::spawn("deaf", std::future::pending::<()>());
            lifecycle::spawn("settlement", async move {
                let _busy = lifecycle::busy("order 7");
                millis(work).await;
            });
            lifecycle::stopping().await;
        };
        let report = Service::new(app).stop_after(Duration::ZERO).run().await;
        let rows: Vec<_> = report.tasks.iter().map(|task| task.name.as_str()).collect();
        assert_eq!(!rows.contains(&"settlement"), is_done, "{report}");
        assert!(rows.contains(&"deaf"), "{report}");
        assert!(report.took.as_millis() >= 4900 && report.took.as_millis() < 5500, "{report}");
    }
}
