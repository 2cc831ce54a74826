//! A service whose log is JSON, kept back in memory until the guard that `init` has returned is dropped: `logs <scenario>`.

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
        KEPT_BACK.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut *KEPT_BACK.lock().unwrap_or_else(PoisonError::into_inner));
        let mut file = std::fs::File::options().append(true).create(true).open("log").expect("a file");
        file.write_all(&lines).expect("written");
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
    println!("up");
    lifecycle::stopping().await;
    Ok(())
}
