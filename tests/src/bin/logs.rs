//! A service whose log is JSON, kept back in memory until the guard that `init` has returned is dropped: `logs <scenario>`.
//! Scenario `hangs` writes at once: no guard is dropped after a hang.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn scenario(name: &str) -> bool {
    std::env::args().nth(1).as_deref() == Some(name)
}

static KEPT_BACK: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if scenario("hangs") {
            return log()?.write(bytes);
        }
        KEPT_BACK.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> std::io::Result<std::fs::File> {
    std::fs::File::options().append(true).create(true).open("log")
}

#[lifecycle::heartbeat]
fn tick() {
    std::thread::sleep(HOUR); // hangs
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut *KEPT_BACK.lock().unwrap_or_else(PoisonError::into_inner));
        log().and_then(|mut log| log.write_all(&lines)).expect("written");
        assert!(!scenario("panics"), "a guard that panics");
        if scenario("slow") {
            std::thread::sleep(HOUR);
        }
    }
}

fn logging() -> Guard {
    tracing_subscriber::fmt().json().with_writer(|| Writer).init();
    Guard
}

struct Store;

impl Store {
    #[lifecycle::component(phase = "persist", timeout = "500ms")]
    async fn flush(&self) -> Result<(), String> {
        if scenario("fails") {
            return Err("disk\nfull".into());
        }
        Ok(())
    }

    #[lifecycle::component(order = 7, timeout = "100ms")]
    async fn close(&self) {
        if scenario("fails") {
            std::future::pending::<()>().await;
        }
    }
}

#[lifecycle::main(init = logging)]
async fn main() -> Result<(), String> {
    lifecycle::manage(Store);
    if scenario("fails") {
        lifecycle::spawn("deaf", std::future::pending::<()>());
    }
    if scenario("exec") {
        return Err("no route".into());
    }
    if scenario("busy") {
        let import = lifecycle::busy("import 7");
        tokio::spawn(async move {
            let _import = import;
            std::future::pending::<()>().await;
        });
    }
    println!("up");
    if scenario("hangs") {
        tick();
    }
    lifecycle::stopping().await;
    Ok(())
}
