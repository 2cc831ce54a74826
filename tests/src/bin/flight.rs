//! A service that is killed: `flight quiet`, `flight stuck` in a heartbeat, `flight eat`, which takes all the memory that it
//! can get, and `flight slow-stop`, whose hook takes long.

use std::time::Duration;

use lifecycle::heartbeat;

fn how() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

#[heartbeat(name = "feed", timeout = "6s")]
async fn feed() {
    std::future::pending::<()>().await;
}

#[heartbeat(name = "tick", timeout = "2s")]
async fn tick() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

struct Book;

impl Book {
    #[lifecycle::component(phase = "persist", order = 3, timeout = "20s")]
    async fn flush(&self) {
        println!("flushes");
        if how() == "slow-stop" {
            std::future::pending::<()>().await;
        }
    }
}

/// So that the watchdog sees it grow. Each page is written, or the kernel would not count it.
fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1_u8; 2 << 20]);
        lifecycle::note!("ate {} MiB", eaten.len() * 2);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[lifecycle::main(watchdog(timeout = "2s"))]
async fn main() {
    lifecycle::manage(Book);
    println!("runs");
    println!("{}", serde_json::to_string(&lifecycle::status().previous).expect("JSON"));
    match how().as_str() {
        "stuck" => drop(lifecycle::spawn("feed", feed())),
        "eat" => drop(std::thread::spawn(eat)),
        _ => lifecycle::note!("importing day {} of 90", 3),
    }
    while lifecycle::is_running() {
        tick().await;
    }
}
