//! A program with a watchdog of its own, which prints the line where it hangs: `cargo run --example where_it_hangs`.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{sleep, spawn};
use std::time::Duration;

use lifecycle_hang::{ReportKind, Request, Stderr};

static BEATS: AtomicU64 = AtomicU64::new(0);
static ACCOUNTS: [Mutex<u64>; 2] = [Mutex::new(100), Mutex::new(0)];

/// Ends the process once a second has gone by without a beat.
fn watch() {
    let mut before = u64::MAX;
    loop {
        let beats = BEATS.load(Relaxed);
        if beats == before {
            let title = format_args!("nothing has happened for a second in process {}:", std::process::id());
            let request = Request { files: &[file!()], ..Request::new(ReportKind::Fatal, &title) };
            let _ = lifecycle_hang::write(&request, &mut Stderr::new());
            std::process::abort();
        }
        before = beats;
        sleep(Duration::from_secs(1));
    }
}

fn transfer(from: usize, to: usize) {
    let mut from = ACCOUNTS[from].lock().expect("no thread panics");
    let mut to = ACCOUNTS[to].lock().expect("no thread panics"); // It hangs here.
    *from -= 1;
    *to += 1;
}

fn main() {
    lifecycle_hang::prepare();
    spawn(watch);
    for (from, to) in [(0, 1), (1, 0), (0, 0)] {
        BEATS.fetch_add(1, Relaxed);
        transfer(from, to);
    }
}
