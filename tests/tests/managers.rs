//! Managers of one process do not see each other: each shutdown is its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use lifecycle::{HookResult, LifecycleManager};

/// Its hooks do what the test says.
#[derive(Default)]
struct Store {
    slow: bool,
    fails: bool,
    flushed: AtomicBool,
    closed: AtomicBool,
}

impl Store {
    #[lifecycle::component(phase = "persist", timeout = "300ms")]
    async fn flush(&self) -> Result<(), &'static str> {
        assert!(!self.flushed.swap(true, SeqCst), "flushed twice");
        if self.slow {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        if self.fails { Err("disk full") } else { Ok(()) }
    }

    #[lifecycle::component(phase = "disconnect")]
    fn close(&self) {
        assert!(self.flushed.load(SeqCst), "closed before it was flushed");
        assert!(!self.closed.swap(true, SeqCst), "closed twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_managers_stop_beside_each_other_and_each_has_its_own_report() {
    let mut stops = tokio::task::JoinSet::new();
    for n in 0..50 {
        stops.spawn(async move {
            let manager = LifecycleManager::new();
            let store = manager.manage(Store { slow: n % 5 == 1, fails: n % 5 == 2, ..Store::default() });
            let task = manager.spawn(format!("task {n}"), {
                let manager = manager.clone();
                async move { manager.stopping().await }
            });
            tokio::time::sleep(Duration::from_millis(n)).await;
            assert!(manager.is_running(), "{n}: another manager's shutdown is not this one's");
            assert_eq!(manager.status().components, 1);
            let report = manager.stop(format!("reason {n}")).await;
            assert!(report.to_string().contains(&format!("reason {n}")), "{report}");
            let flush = report.hooks.iter().find(|hook| hook.name == "Store::flush").expect("a row");
            match n % 5 {
                1 => assert_eq!(flush.result, HookResult::TimedOut, "{report}"),
                2 => assert_eq!(flush.result, HookResult::Failed("disk full".into()), "{report}"),
                _ => assert!(report.is_success(), "{report}"),
            }
            assert!(store.closed.load(SeqCst), "{report}");
            assert!(!manager.is_running());
            // Its future is gone; its handle hears of it a moment later.
            let gone = async {
                while !task.is_finished() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the task is gone");
        });
    }
    while let Some(stop) = stops.join_next().await {
        stop.expect("no assertion failed");
    }
    assert!(lifecycle::is_running(), "the manager of the process runs on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_a_manager_again_gets_the_same_report() {
    for _ in 0..20 {
        let manager = LifecycleManager::new();
        manager.manage(Store::default());
        manager.manage_arc(Arc::new(Store::default()));
        let (one, two) = tokio::join!(manager.stop("first"), manager.stop("second"));
        let three = manager.stop("third").await;
        assert_eq!(one.to_string(), two.to_string());
        assert_eq!(one.to_string(), three.to_string());
        assert!(one.is_success(), "{one}");
        assert_eq!(one.hooks.iter().filter(|hook| hook.name == "Store::close").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tasks_that_never_check_are_gone_before_persist() {
    static LIVE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, SeqCst);
        }
    }
    struct Last;
    impl Last {
        #[lifecycle::component(phase = "persist", timeout = "20s")]
        async fn persist(&self) -> Result<(), String> {
            match LIVE.load(SeqCst) {
                0 => Ok(()),
                live => Err(format!("{live} tasks live on")),
            }
        }
    }
    let manager = LifecycleManager::new();
    manager.manage(Last);
    for _ in 0..100_000 {
        LIVE.fetch_add(1, SeqCst);
        let counted = Counted;
        manager.spawn("never checks", async move {
            let _counted = counted;
            std::future::pending::<()>().await;
        });
    }
    let report = manager.stop("the test is over").await;
    assert!(report.is_success(), "{report}");
    let row = report.tasks.iter().find(|task| task.name == "never checks").expect("a row");
    assert_eq!((row.count, report.tasks.len()), (100_000, 1), "{report}");
}
