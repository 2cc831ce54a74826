//! A logger that blocks for good, and threads that hold the locks of stdout and stderr: the argument picks one.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

static STUCK: AtomicBool = AtomicBool::new(false);

/// Writes to stderr until it is stuck; then whoever logs hangs, as behind a lock that nobody gives back.
struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        while STUCK.load(Relaxed) {
            std::thread::sleep(HOUR);
        }
        std::io::stderr().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Component;

impl Component {
    #[lifecycle::component(timeout = "500ms")]
    async fn close(&self) {
        if scenario().ends_with("late") {
            std::future::pending::<()>().await;
        }
    }
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

fn init() {
    tracing_subscriber::fmt().with_writer(|| Writer).init();
}

#[lifecycle::main(init = init, flavor = current_thread)]
async fn main() {
    lifecycle::manage(Component);
    match scenario().as_str() {
        "subscriber-held" => {
            STUCK.store(true, Relaxed);
            tracing::info!("never written");
        }
        "stdout-held" => {
            let _lock = std::io::stdout().lock();
            std::thread::sleep(HOUR);
        }
        "stderr-held" => {
            let _lock = std::io::stderr().lock();
            std::thread::sleep(HOUR);
        }
        _ => {
            STUCK.store(true, Relaxed);
            println!("stuck");
            lifecycle::stopping().await;
        }
    }
}
