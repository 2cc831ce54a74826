//! Drills find planted shutdown bugs, each with its line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle::test::{Fault, Service};
use lifecycle::{HookResult, Phase, TaskResult, on_stop};

use super::millis;

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, text: &str) {
    log.lock().unwrap().push(text.to_owned());
}

/// What a drill panics with.
fn found<F: Future>(drill: impl FnOnce() -> F + Send + 'static) -> String {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let panic =
        std::thread::spawn(move || drop(runtime().block_on(drill()))).join().expect_err("the bug is found");
    *panic.downcast::<String>().expect("a text")
}

/// An order is taken from the queue, and lost if main is dropped before it is put into the book.
async fn takes_and_puts(queue: Arc<Mutex<Vec<u32>>>, book: Arc<Mutex<Vec<u32>>>) {
    let work = async {
        loop {
            let order = queue.lock().unwrap().pop();
            millis(20).await; // the bug
            book.lock().unwrap().extend(order);
        }
    };
    tokio::select! {
        () = lifecycle::stopping() => {}
        () = work => {}
    }
}

#[test]
fn drop_between_take_and_put() {
    let queue = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::new(Mutex::new(Vec::new()));
    let (theirs, their_book) = (queue.clone(), book.clone());
    let service = Service::new(move || {
        *theirs.lock().unwrap() = vec![1, 2, 3];
        their_book.lock().unwrap().clear();
        takes_and_puts(theirs.clone(), their_book.clone())
    });
    let text = found(move || async move {
        service
            .stop_after(Duration::from_secs(1))
            .at_every_poll(|_| {
                let left = queue.lock().unwrap().len() + book.lock().unwrap().len();
                assert_eq!(left, 3, "an order is lost");
            })
            .await
    });
    let line = include_str!("bugs.rs").lines().position(|line| line.contains("// the bug")).unwrap() + 1;
    assert!(text.contains("task `main` waits at "), "{text}");
    assert!(text.contains(&format!("bugs.rs:{line}")), "{text}");
    assert!(text.contains("an order is lost"), "{text}");
}

/// Runs a service whose hooks and main write a log, and checks the log after each run.
fn bug(
    app: impl Fn(Log) -> std::pin::Pin<Box<dyn Future<Output = ()>>> + Send + Sync + 'static,
    fault: Option<Fault>,
    is_right: impl Fn(&[String]) -> bool + Send + 'static,
) -> String {
    let log = Log::default();
    let theirs = log.clone();
    let service = Service::new(move || {
        theirs.lock().unwrap().clear();
        app(theirs.clone())
    });
    let service = service.stop_after(Duration::from_millis(300));
    found(move || async move {
        let check = |report: &lifecycle::Report| {
            let log = log.lock().unwrap();
            assert!(is_right(&log), "{log:?}\n{report}");
        };
        match fault {
            None => service.at_every_poll(check).await,
            Some(fault) => service.each_hook(fault).check(check).await,
        }
    })
}

fn hook(log: &Log, name: &'static str, phase: Phase, order: i32) {
    let log = log.clone();
    on_stop(name, phase, order, async move || note(&log, name)).detach();
}

fn before(log: &[String], first: &str, second: &str) -> bool {
    let place = |text: &str| log.iter().rposition(|line| line == text);
    place(first) < place(second) || place(second).is_none()
}

async fn work(log: Log) {
    while lifecycle::is_running() {
        note(&log, "write");
        millis(50).await;
    }
    note(&log, "write");
}

#[test]
fn flush_before_drain() {
    let text = bug(
        |log| {
            hook(&log, "flush", Phase::STOP, 0);
            Box::pin(work(log))
        },
        None,
        |log| before(log, "write", "flush"),
    );
    assert!(text.contains("stopped at poll"), "{text}");
}

#[test]
fn lost_acknowledgement() {
    bug(
        |log| {
            Box::pin(async move {
                let consume = async {
                    loop {
                        note(&log, "acknowledged");
                        millis(50).await;
                        note(&log, "stored");
                    }
                };
                tokio::select! {
                    () = lifecycle::stopping() => {}
                    () = consume => {}
                }
            })
        },
        None,
        |log| {
            let count = |text: &str| log.iter().filter(|line| *line == text).count();
            count("acknowledged") <= count("stored")
        },
    );
}

#[test]
fn pool_closed_early() {
    bug(
        |log| {
            hook(&log, "close pool", Phase::DISCONNECT, 0);
            hook(&log, "last query", Phase::DISCONNECT, 1);
            Box::pin(work(log))
        },
        None,
        |log| before(log, "last query", "close pool"),
    );
}

#[test]
fn a_task_that_outlives_its_connection() {
    bug(
        |log| {
            hook(&log, "disconnect", Phase::DISCONNECT, 0);
            let (theirs, late) = (log.clone(), log.clone());
            on_stop("slow", Phase::new("last", 400), 0, async || millis(500).await).detach();
            tokio::spawn(async move {
                loop {
                    note(&theirs, "query");
                    millis(70).await;
                }
            });
            Box::pin(work(late))
        },
        None,
        |log| before(log, "query", "disconnect"),
    );
}

#[test]
fn a_main_that_never_checks_is_cut_in_the_middle() {
    bug(
        |log| {
            Box::pin(async move {
                loop {
                    note(&log, "begin");
                    millis(30).await;
                    note(&log, "commit");
                    millis(30).await;
                }
            })
        },
        None,
        |log| {
            log.iter().filter(|line| *line == "begin").count()
                == log.iter().filter(|line| *line == "commit").count()
        },
    );
}

#[test]
fn the_journal_is_deleted_although_the_flush_failed() {
    for fault in [Fault::Fail, Fault::Hang, Fault::Panic] {
        let text = bug(
            |log| {
                hook(&log, "flush", Phase::PERSIST, 0);
                hook(&log, "delete journal", Phase::DISCONNECT, 0);
                Box::pin(work(log))
            },
            Some(fault),
            |log| {
                before(log, "flush", "delete journal")
                    && (log.contains(&"flush".into()) || !log.contains(&"delete journal".into()))
            },
        );
        assert!(text.contains(&format!("hook `flush` had the fault {fault:?}")), "{text}");
    }
}

#[test]
fn the_cursor_is_saved_ahead_of_the_data() {
    let text = bug(
        |log| {
            hook(&log, "data", Phase::PERSIST, 1);
            hook(&log, "cursor", Phase::PERSIST, 0);
            Box::pin(work(log))
        },
        Some(Fault::Fail),
        |log| !log.contains(&"cursor".into()) || log.contains(&"data".into()),
    );
    assert!(text.contains("hook `data` had the fault Fail"), "{text}");
}

#[test]
fn a_drain_longer_than_its_time() {
    let text = found(|| async {
        let service = Service::new(|| async {
            lifecycle::stopping().await;
            millis(7_000).await;
        });
        let check = |report: &lifecycle::Report| {
            assert!(report.tasks.iter().all(|task| task.result != TaskResult::Dropped), "{report}");
        };
        service.stop_after(Duration::from_secs(1)).at_every_poll(check).await
    });
    assert!(text.contains("DROPPED"), "{text}");
}

#[test]
fn closed_twice() {
    struct Connection(Log);

    impl Drop for Connection {
        fn drop(&mut self) {
            note(&self.0, "closed");
        }
    }

    bug(
        |log| {
            hook(&log, "closed", Phase::DISCONNECT, 0);
            Box::pin(async move {
                let _connection = Connection(log);
                lifecycle::stopping().await;
            })
        },
        None,
        |log| log.iter().filter(|line| *line == "closed").count() == 1,
    );
}

/// What comes before `manage` has no hook yet: stopped at an await in between, the order is never settled.
#[test]
fn managed_after_the_first_work() {
    let app = |log: Log| async move {
        note(&log, "order");
        millis(5).await;
        hook(&log, "settle", Phase::PERSIST, 0);
        work(log).await;
    };
    let is_settled =
        |log: &[String]| !log.contains(&"order".to_owned()) || log.contains(&"settle".to_owned());
    let text = bug(move |log| Box::pin(app(log)), None, is_settled);
    assert!(text.contains("stopped at poll 1 of") && text.contains("kit/bugs.rs:"), "{text}");
}

#[test]
fn a_component_that_nobody_manages() {
    let text = found(|| async {
        let check = |report: &lifecycle::Report| {
            assert!(report.hooks.iter().all(|hook| hook.result != HookResult::NotManaged), "{report}");
        };
        Service::new(|| async {}).at_every_poll(check).await
    });
    assert!(text.contains("not managed"), "{text}");
}
