//! One way to hang a function: the argument picks it. The line that a report must name ends with `// <scenario>`.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::{Condvar, Mutex, RwLock, mpsc};
use std::thread::sleep;
use std::time::Duration;

use lifecycle::heartbeat;
use lifecycle_tests::allocator::{self, Stuck};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(200);

#[global_allocator]
static ALLOCATOR: Stuck = Stuck;

static ACCOUNT: Mutex<u64> = Mutex::new(0);
static LEDGER: Mutex<u64> = Mutex::new(0);
static PRICES: RwLock<u64> = RwLock::new(0);
static TOKEN: tokio::sync::Mutex<u64> = tokio::sync::Mutex::const_new(0);

fn mutex() {
    let _account = ACCOUNT.lock();
    let _again = ACCOUNT.lock(); // mutex
}

fn debit() {
    let _account = ACCOUNT.lock();
    sleep(MOMENT);
    let _ledger = LEDGER.lock(); // abba debit
}

fn credit() {
    let _ledger = LEDGER.lock();
    sleep(MOMENT);
    let _account = ACCOUNT.lock(); // abba credit
}

fn rwlock() {
    let _old = PRICES.read();
    let _new = PRICES.write(); // rwlock
}

fn condvar() {
    let (account, filled) = (Mutex::new(()), Condvar::new());
    let account = account.lock().expect("ours");
    drop(filled.wait(account)); // condvar
}

fn channel() {
    let (_sender, receiver) = mpsc::channel::<u8>();
    let _ = receiver.recv(); // channel
}

fn sleeping() {
    sleep(HOUR); // sleep
}

#[rustfmt::skip]
fn spin() {
    loop { std::hint::black_box(0); } // spin
}

/// Nobody accepts, and the queue of those who wait to be is short.
fn connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // SAFETY: a listening socket of ours; a second `listen` only shortens its queue.
    unsafe { libc::listen(listener.as_raw_fd(), 0) };
    let address = listener.local_addr().expect("bound");
    let mut connections = Vec::new();
    loop {
        connections.push(TcpStream::connect(address)); // connect
    }
}

fn read_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut client = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
    println!("port {}", listener.local_addr().expect("bound").port());
    let _ = client.read(&mut [0]); // read
}

fn read_fifo() {
    // SAFETY: a path that ends with a zero.
    unsafe { libc::mkfifo(c"orders".as_ptr(), 0o600) };
    let mut orders = std::fs::File::options().read(true).write(true).open("orders").expect("a FIFO");
    let _ = orders.read(&mut [0]); // fifo
}

fn child() {
    let _ = Command::new("sleep").arg("3600").output(); // child
}

fn block_on() {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(std::future::pending::<()>())); // block_on
}

async fn refresh_token() {
    let _token = TOKEN.lock().await;
    let _again = TOKEN.lock().await; // tokio-mutex
}

async fn full() {
    let (sender, _receiver) = tokio::sync::mpsc::channel(1);
    let _ = sender.send(1).await;
    let _ = sender.send(2).await; // full
}

async fn wait_for_fill() {
    let filled = tokio::sync::Notify::new();
    filled.notified().await; // join
}

async fn wait_for_work() {
    let work = tokio::sync::Notify::new();
    work.notified().await; // stopping
}

/// As each loop of a service may be written.
async fn until_stopped() {
    tokio::select! {
        () = lifecycle::stopping() => {}
        () = wait_for_work() => {}
    }
}

async fn join() {
    tokio::join!(tokio::task::yield_now(), wait_for_fill());
}

async fn starved() {
    loop {
        tokio::select! {
            biased;
            () = std::future::ready(()) => busy(),
            () = lifecycle::stopping() => break,
        }
    }
}

#[rustfmt::skip]
fn busy() {
    for turn in 0..100_000_000 { std::hint::black_box(turn); } // select
}

async fn pool() {
    for _ in 0..512 {
        tokio::task::spawn_blocking(|| sleep(HOUR)); // pool
    }
    let _ = tokio::task::spawn_blocking(|| ()).await;
}

fn hoard() {
    allocator::get_stuck();
    std::hint::black_box(Vec::<u8>::with_capacity(4096)); // allocator
}

struct Order;

impl Drop for Order {
    #[rustfmt::skip]
    fn drop(&mut self) {
        for turn in 0..100_000_000 { std::hint::black_box(turn); } // drop
    }
}

fn forget_orders() {
    let orders: Vec<Order> = (0..1000).map(|_| Order).collect();
    drop(orders);
}

async fn workers() {
    std::thread::spawn(|| {
        let _account = ACCOUNT.lock();
        sleep(HOUR);
    });
    lifecycle::spawn("waiter", wait_for_fill());
    tokio::time::sleep(MOMENT).await;
    for name in ["first", "second", "third", "fourth"] {
        lifecycle::spawn(name, async { drop(ACCOUNT.lock()) }); // workers
    }
    std::future::pending::<()>().await;
}

async fn abba() {
    lifecycle::spawn("debit", async { debit() });
    lifecycle::spawn("credit", async { credit() });
    std::future::pending::<()>().await;
}

async fn never() {
    std::future::pending::<()>().await;
}

/// Beats once, and then comes to the scenario.
#[heartbeat]
async fn tick(scenario: &str) {
    match scenario {
        "" => {}
        "mutex" => mutex(),
        "abba" => abba().await,
        "rwlock" => rwlock(),
        "condvar" => condvar(),
        "channel" => channel(),
        "sleep" => sleeping(),
        "spin" => spin(),
        "connect" => connect(),
        "read" => read_socket(),
        "fifo" => read_fifo(),
        "child" => child(),
        "tokio-mutex" => refresh_token().await,
        "full" => full().await,
        "join" => join().await,
        "stopping" => until_stopped().await,
        "select" => starved().await,
        "pool" => pool().await,
        "allocator" => hoard(),
        "drop" => forget_orders(),
        "workers" => workers().await,
        "pending" => never().await, // pending
        "block_on" => {
            let _ = tokio::spawn(async { block_on() }).await;
        }
        other => panic!("no scenario {other:?}"),
    }
}

#[lifecycle::main(worker_threads = 4)]
async fn main() {
    let scenario = std::env::args().nth(1).unwrap_or_default();
    if scenario == "startup" {
        sleep(HOUR); // startup
    }
    if let Ok(what) = std::env::var("FORBID") {
        lifecycle_tests::sandbox::forbid_by_name(&what);
    }
    println!("up");
    tick("").await;
    tokio::time::sleep(MOMENT).await;
    tick(&scenario).await;
}
