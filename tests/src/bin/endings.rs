//! A service that ends in the way that its first argument names.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

static RUNS: AtomicU32 = AtomicU32::new(0);

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

struct Store;

impl Store {
    #[lifecycle::component(phase = "stop", timeout = "30s")]
    async fn stop(&self) {
        match scenario().as_str() {
            "slow-crash" => {
                println!("stopping slowly");
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
            "spawns" => {
                linger("of the stop hook");
            }
            "again" => drop(lifecycle::manage_arc(SHARED.clone())),
            "endless" => drop(lifecycle::manage(Store)),
            _ => {}
        }
    }

    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) -> Result<(), String> {
        println!("flush");
        match scenario().as_str() {
            "failing-flush" => Err("disk full".into()),
            "loses-once" if RUNS.load(SeqCst) == 1 => Err("disk full".into()),
            "spawns" => {
                linger("of the flush");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[lifecycle::component(phase = "disconnect")]
    async fn close(&self) {
        println!("close");
    }
}

static SHARED: std::sync::LazyLock<Arc<Store>> = std::sync::LazyLock::new(|| Arc::new(Store));

struct Ended(&'static str);

impl Drop for Ended {
    fn drop(&mut self) {
        println!("{} ended", self.0);
    }
}

/// A task that ends only by being dropped.
fn linger(name: &'static str) {
    let ended = Ended(name);
    lifecycle::spawn(name, async move {
        let _ended = ended;
        std::future::pending::<()>().await;
    });
}

#[lifecycle::main]
async fn main() -> Result<(), String> {
    let run = RUNS.fetch_add(1, SeqCst) + 1;
    match scenario().as_str() {
        "help" => std::process::exit(0),
        "usage" => std::process::exit(2),
        "late-usage" => {
            lifecycle::ready();
            tokio::time::sleep(Duration::from_millis(100)).await;
            std::process::exit(2)
        }
        "exit" => std::process::exit(1),
        "fork" => fork_and_exit(),
        "long-error" => return Err("e".repeat(400_000)),
        "control" => return Err("\u{1b}[2J\u{7}gone".into()),
        "crash" => return Err("no route".into()),
        "payload" => {
            lifecycle::manage_arc(SHARED.clone());
            std::panic::panic_any(Bomb);
        }
        _ => {}
    }
    lifecycle::manage_arc(SHARED.clone());
    if scenario() == "slow-crash" || (scenario() == "loses-once" && run == 1) {
        return Err("no route".into());
    }
    println!("up");
    lifecycle::stopping().await;
    if scenario() == "drain-spawns" {
        linger("of the drain");
    }
    Ok(())
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("in a destructor"));
    }
}

/// A child that does not call exec, and exits.
fn fork_and_exit() {
    // SAFETY: the child calls nothing but exit.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::exit(1);
        }
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
}
