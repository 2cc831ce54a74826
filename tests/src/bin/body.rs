//! Mains and tracked tasks of every kind; the first argument picks one.

use std::time::Duration;

use lifecycle::Phase;

struct State;

impl State {
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {
        println!("hook stop");
    }

    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) {
        println!("hook persist");
    }
}

/// Says when main's body, or a task, is dropped.
struct Dropped(&'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        println!("{} gone", self.0);
    }
}

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[lifecycle::main]
async fn main() -> anyhow::Result<()> {
    lifecycle::manage(State);
    let _dropped = Dropped("main");
    println!("up");
    let scenario = std::env::args().nth(1).unwrap_or_default();
    match scenario.as_str() {
        "ok" => Ok(()),
        "err" => Err(anyhow::anyhow!("no route to exchange").context("cannot trade")),
        "panic" => panic!("main gives up"),
        "request" => {
            lifecycle::shutdown("the books are closed");
            assert!(!lifecycle::is_running());
            Ok(())
        }
        "never-checks" => std::future::pending().await,
        "plain-task-checks" => {
            tokio::spawn(serve()).await?;
            Ok(())
        }
        "thread-checks" => thread_checks().await,
        "blocks" => loop {
            std::thread::sleep(Duration::from_millis(50));
        },
        "token" => {
            lifecycle::token().cancelled().await;
            listened(300).await
        }
        "loop" => {
            while lifecycle::is_running() {
                millis(10).await;
            }
            listened(300).await
        }
        "too-slow" => {
            lifecycle::stopping().await;
            listened(60_000).await
        }
        "error-in-drain" => {
            lifecycle::stopping().await;
            anyhow::bail!("cannot settle")
        }
        task => {
            spawn(task.to_owned());
            std::future::pending().await
        }
    }
}

/// A server in a plain task, the most usual shape there is: main itself only waits for it.
async fn serve() {
    lifecycle::stopping().await;
    millis(300).await;
    println!("served the last request");
}

async fn thread_checks() -> anyhow::Result<()> {
    let (served, all) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        while lifecycle::is_running() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(300));
        println!("served the last request");
        let _ = served.send(());
    });
    Ok(all.await?)
}

async fn listened(work: u64) -> anyhow::Result<()> {
    println!("draining");
    millis(work).await;
    println!("drained");
    Ok(())
}

fn spawn(scenario: String) {
    lifecycle::spawn("feed", async move {
        let _dropped = Dropped("feed");
        match scenario.as_str() {
            "task-panics" => panic!("a price below zero"),
            "task-fails" => Err(anyhow::anyhow!("connection reset").context("feed lost")),
            "task-ends" => {
                lifecycle::spawn("last words", async {
                    millis(50).await;
                    lifecycle::shutdown("enough");
                });
                Ok(())
            }
            "task-drains" => {
                lifecycle::stopping().await;
                millis(300).await;
                println!("feed drained");
                Ok(())
            }
            "task-panics-in-drain" => {
                lifecycle::stopping().await;
                panic!("cannot unsubscribe")
            }
            other => panic!("no scenario {other:?}"),
        }
    });
}

/// A phase of our own, and, if asked for, a plan that cannot be read.
pub const TELEMETRY: Phase = Phase::new("telemetry", 250);

#[lifecycle::component(phase = TELEMETRY)]
fn export() {
    println!("hook telemetry");
}
