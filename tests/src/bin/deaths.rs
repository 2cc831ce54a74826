//! A service that dies, in its first life only, in the way that its argument names. Afterwards it stays up.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

static RUNS: AtomicU32 = AtomicU32::new(0);

/// The user's own, set where a service sets it.
fn init() {
    if std::env::var_os("OWN_HOOK").is_some() {
        std::panic::set_hook(Box::new(|info| eprintln!("own hook: {info}")));
    }
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = [depth; 64];
    if std::hint::black_box(depth) == u64::MAX {
        0
    } else {
        deeper(depth + 1) + std::hint::black_box(frame)[7]
    }
}

fn die(how: &str) {
    match how {
        "panic" => panic!("the book\nis empty"),
        "abort" => std::process::abort(),
        "overflow" => println!("{}", deeper(0)),
        // SAFETY: none; that is what it is for.
        "segv" => unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut(16), 1) },
        "exit" => std::process::exit(3),
        other => unreachable!("{other}"),
    }
}

#[lifecycle::main(init = init)]
async fn main() {
    let how = std::env::args().nth(1).expect("a death");
    let first = !std::path::Path::new("died").exists();
    if first && RUNS.fetch_add(1, Relaxed) == 0 {
        std::fs::write("died", "").expect("a folder of its own");
        match how.strip_prefix("task ") {
            Some(how) => {
                let how = how.to_owned();
                let died = tokio::spawn(async move { die(&how) }).await;
                died.expect("it died");
            }
            None => die(&how),
        }
    }
    println!("{}", lifecycle::status());
    println!("stays up");
    lifecycle::stopping().await;
}
