//! A service under a service manager: the argument says what becomes of it.

use std::time::Duration;

use lifecycle::heartbeat;

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

#[heartbeat]
async fn tick() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

#[lifecycle::reload]
fn read_configuration() {
    println!("read again");
}

struct Queue;

impl Queue {
    #[lifecycle::component(phase = "persist", timeout = "20s")]
    async fn flush(&self) {
        if scenario() == "slow-stop" {
            tokio::time::sleep(Duration::from_secs(8)).await;
        }
        println!("flushed");
    }
}

#[lifecycle::main(flavor = current_thread)]
async fn main() -> Result<(), String> {
    lifecycle::manage(Queue);
    let child = std::process::Command::new("env").output().expect("a child");
    let child = String::from_utf8_lossy(&child.stdout).into_owned();
    let told = child.lines().filter(|line| line.starts_with("NOTIFY_") || line.starts_with("WATCHDOG_"));
    println!("a child is told {:?}", told.collect::<Vec<_>>());
    lifecycle::ready();
    println!("up, pid {}", std::process::id());
    let mut ticks = 0;
    while lifecycle::is_running() {
        tick().await;
        ticks += 1;
        match scenario().as_str() {
            "crash" if ticks == 20 => return Err("no\nluck".into()),
            "hang" if ticks == 50 => std::thread::sleep(Duration::from_secs(3600)),
            _ => {}
        }
    }
    Ok(())
}
