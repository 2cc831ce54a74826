//! The day that everything misbehaves: `worst <flavor> <scenario>`. Three steps; the first holds the culprit.

use std::process::ExitCode;
use std::time::Duration;

use lifecycle::{Flavor, Options, Service};

const HOUR: Duration = Duration::from_secs(3600);

fn scenario(name: &str) -> bool {
    std::env::args().nth(2).as_deref() == Some(name)
}

/// Blocks as many threads of the runtime as it has.
fn block_every_worker() {
    for _ in 0..8 {
        tokio::spawn(async { std::thread::sleep(HOUR) });
    }
}

struct Culprit;

impl Culprit {
    #[lifecycle::component(order = 1, timeout = "600ms")]
    async fn close(&self) {
        println!("culprit");
        if scenario("hangs") || scenario("all-hang") {
            std::future::pending::<()>().await;
        }
        if scenario("blocks") {
            std::thread::sleep(HOUR);
        }
        if scenario("blocks-later") {
            tokio::time::sleep(Duration::from_millis(5)).await;
            std::thread::sleep(HOUR);
        }
        if scenario("spins") {
            loop {
                std::hint::spin_loop();
            }
        }
        if scenario("freezes") {
            block_every_worker();
            tokio::task::yield_now().await;
            std::thread::sleep(HOUR);
        }
    }

    #[lifecycle::component(order = 1, timeout = "600ms")]
    async fn neighbour(&self) {
        println!("neighbour");
    }
}

impl Drop for Culprit {
    fn drop(&mut self) {
        if scenario("drop-blocks") {
            std::thread::sleep(HOUR);
        }
    }
}

struct Flush;

impl Flush {
    #[lifecycle::component(order = 2, timeout = "600ms")]
    async fn flush(&self) {
        println!("flush");
        if scenario("all-hang") {
            std::future::pending::<()>().await;
        }
    }

    #[lifecycle::component(order = 3, timeout = "1200ms")]
    fn write(&self) {
        println!("write");
        if scenario("all-hang") {
            std::thread::sleep(HOUR);
        }
    }
}

/// Managed by a hook, while the shutdown is under way: its own order has passed, or is still to come.
struct Late;

impl Late {
    #[lifecycle::component(order = 0)]
    async fn at_once(&self) {
        println!("late at once");
    }

    #[lifecycle::component(order = 5)]
    async fn in_place(&self) {
        println!("late in place");
    }
}

#[lifecycle::component(order = 4)]
async fn latecomer() {
    if scenario("late") {
        lifecycle::manage(Late);
    }
    println!("latecomer");
}

async fn main_body() {
    lifecycle::manage(Culprit);
    lifecycle::manage(Flush);
    println!("up");
    if scenario("frozen-before") {
        // Not an await: nobody would be left to wake it. On a current-thread runtime this thread is all there is.
        block_every_worker();
        std::thread::sleep(Duration::from_millis(100));
        println!("frozen");
        std::thread::sleep(HOUR);
    }
    if scenario("drain-blocks") {
        lifecycle::stopping().await;
        std::thread::sleep(HOUR);
    }
    std::future::pending::<()>().await;
}

/// By hand what `#[lifecycle::main(flavor = …)]` writes, so that one program can be of any flavor.
fn main() -> ExitCode {
    let (flavor, worker_threads) = match std::env::args().nth(1).as_deref() {
        Some("current-thread") => (Flavor::CurrentThread, None),
        Some("one-worker") => (Flavor::MultiThread, Some(1)),
        _ => (Flavor::MultiThread, Some(2)),
    };
    Service::new().options(Options { flavor, worker_threads, ..Options::DEFAULT }).run(main_body)
}
