//! Each run of main leaves something behind and crashes at once; the last one stays up: `leftovers <kind> <crashes>`.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

static RUNS: AtomicU32 = AtomicU32::new(0);

struct Order;

impl Order {
    #[lifecycle::component(phase = "stop")]
    fn close(&self) {
        println!("closed");
    }
}

/// Sends orders as long as the service runs; may ask for the first time when its run is long over.
fn trade(run: u32) {
    loop {
        std::thread::sleep(Duration::from_millis(30));
        if lifecycle::is_running() {
            println!("order of run {run}");
        } else if run > RUNS.load(SeqCst) {
            return;
        }
    }
}

/// Does to the current run what only its own code may do.
fn meddle() {
    std::thread::sleep(Duration::from_millis(400));
    lifecycle::manage(Order);
    lifecycle::spawn("meddler", async { Err::<(), _>("from the past") });
    lifecycle::shutdown("from the past");
    println!("token is cancelled: {}", lifecycle::token().is_cancelled());
}

#[lifecycle::main(init = init)]
async fn main() -> Result<(), String> {
    let run = RUNS.fetch_add(1, SeqCst) + 1;
    let kind = std::env::args().nth(1).unwrap_or_default();
    let crashes: u32 = std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(0);
    match kind.as_str() {
        "thread" => drop(std::thread::spawn(move || trade(run))),
        "blocking" => drop(tokio::task::spawn_blocking(move || trade(run))),
        "meddler" if run == 1 => {
            let runtime = tokio::runtime::Handle::current();
            drop(std::thread::spawn(move || {
                let _context = runtime.enter();
                meddle();
            }));
        }
        _ => {}
    }
    println!("run {run}");
    if run <= crashes {
        return Err(format!("run {run} crashed"));
    }
    println!("stays up");
    lifecycle::stopping().await;
    Ok(())
}

/// What `init` starts belongs to the process, not to a run.
fn init() {
    if std::env::args().nth(1).as_deref() == Some("init") {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_millis(30));
                println!("of init: {}", lifecycle::is_running());
            }
        });
    }
}
