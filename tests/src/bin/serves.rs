//! A service that goes on, with something in it that does not; the argument picks it. As in `matrix`, the line that a
//! report must name ends with `// <scenario>`.

use std::thread::sleep;
use std::time::Duration;

use lifecycle::heartbeat;
use lifecycle_tests::{broken, odd_threads};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const HOUR: Duration = Duration::from_secs(3600);

struct Pool;

impl Pool {
    #[lifecycle::component(timeout = "600ms")]
    async fn close(&self) {
        match scenario().as_str() {
            "hook" => wait_for_fill().await,
            "hook-blocks" => sleep(HOUR), // hook-blocks
            _ => {}
        }
    }
}

async fn wait_for_fill() {
    let filled = tokio::sync::Notify::new();
    filled.notified().await; // hook
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

async fn import() {
    sleep(HOUR); // partial
}

static ANSWERED: tokio::sync::Mutex<u64> = tokio::sync::Mutex::const_new(0);

/// Answers numbers with their squares, through a lock that all requests share; each eighth request needs a
/// blocking thread, where a system call may be interrupted.
async fn answer(connection: TcpStream) {
    let (reader, mut writer) = connection.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let number: u64 = line.parse().expect("clients send numbers");
        let square = match number % 8 {
            0 => tokio::task::spawn_blocking(move || {
                sleep(Duration::from_millis(1));
                number * number
            })
            .await
            .expect("it does not panic"),
            _ => number * number,
        };
        let mut answered = ANSWERED.lock().await;
        *answered += 1;
        writer.write_all(format!("{number} {square}\n").as_bytes()).await.expect("the client waits for it");
    }
}

async fn listen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("port {}", listener.local_addr().expect("bound").port());
    while let Ok((connection, _)) = listener.accept().await {
        lifecycle::spawn("connection", answer(connection));
    }
}

#[heartbeat]
async fn tick() {
    // Between half of the watchdog's time and all of it, again and again.
    let turn = if scenario() == "slow" { 700 } else { 20 };
    tokio::time::sleep(Duration::from_millis(turn)).await;
}

#[lifecycle::main(worker_threads = 4)]
async fn main() {
    lifecycle::manage(Pool);
    match scenario().as_str() {
        "partial" => drop(lifecycle::spawn("import", import())),
        "broken" => drop(std::thread::spawn(broken::spin_with_a_broken_frame)),
        "odd-threads" => {
            odd_threads::spin_on_a_small_stack();
            odd_threads::spin_without_signals();
        }
        "tcp" => drop(lifecycle::spawn("listener", listen())),
        "report" => drop(std::thread::spawn(|| print!("{}", lifecycle::hang_report()))),
        _ => {}
    }
    lifecycle::spawn("waiter", wait_for_fill());
    println!("serves");
    let mut turn = 0_u64;
    while lifecycle::is_running() {
        tick().await;
        turn += 1;
        println!("turn {turn}");
    }
}
