//! Hooks of every kind; the arguments pick what each scenario is about. Each hook prints a line as it begins and ends.

use std::sync::Arc;
use std::time::Duration;

/// Prints `name` now, and `name done` when the hook ends.
struct Told(&'static str);

impl Told {
    fn new(name: &'static str) -> Told {
        println!("{name}");
        Told(name)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        println!("{} done", self.0);
    }
}

fn scenario(name: &str) -> bool {
    std::env::args().any(|arg| arg == name)
}

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

struct Strategy;

impl Strategy {
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {
        let _told = Told::new(if lifecycle::is_running() { "stop while running" } else { "stop" });
        millis(30).await;
    }
}

struct Recorder;

impl Recorder {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) -> anyhow::Result<()> {
        let _told = Told::new("persist");
        millis(30).await;
        anyhow::ensure!(!scenario("persist-fails"), "disk full");
        Ok(())
    }

    #[lifecycle::component(phase = "disconnect")]
    fn close(&self) {
        let _told = Told::new("recorder");
    }
}

struct Sockets;

impl Sockets {
    #[lifecycle::component(order = 1, phase = "disconnect", timeout = "1s")]
    async fn close(&self) -> anyhow::Result<()> {
        let _told = Told::new("sockets");
        millis(30).await;
        if scenario("error") {
            return Err(anyhow::anyhow!("connection reset").context("closing the feed"));
        }
        assert!(!scenario("panic"), "no socket left");
        if scenario("never") {
            std::future::pending::<()>().await;
        }
        if scenario("slow") {
            println!("slow begins");
            millis(800).await;
        }
        Ok(())
    }
}

struct Redis;

impl Redis {
    #[lifecycle::component(order = 2, phase = "disconnect", name = "redis (b)")]
    async fn close(self: Arc<Self>) {
        let _told = Told::new("redis b");
        millis(200).await;
    }

    #[lifecycle::component(order = 2, phase = "disconnect", name = "redis (a)")]
    fn quit(self: Arc<Self>) {
        let _told = Told::new("redis a");
        std::thread::sleep(Duration::from_millis(200));
    }
}

struct Database;

impl Database {
    #[lifecycle::component(order = 3, phase = "disconnect")]
    async fn close(&self) -> Result<(), String> {
        let _told = Told::new("database");
        if scenario("patient") {
            millis(1500).await;
        }
        // The whole runtime is there until the last hook has ended.
        tokio::spawn(millis(5)).await.map_err(|e| e.to_string())?;
        tokio::task::spawn_blocking(|| ()).await.map_err(|e| e.to_string())?;
        Ok(())
    }
}

struct Forgotten;

impl Forgotten {
    #[lifecycle::component]
    async fn close(&self) {
        println!("forgotten");
    }
}

#[lifecycle::component(order = 9)]
async fn goodbye() {
    println!("goodbye");
}

fn init() {
    if scenario("subscriber") {
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    }
}

#[lifecycle::main(init = init)]
async fn main() {
    lifecycle::manage(Database);
    lifecycle::manage(lifecycle_tests::library::Pool);
    lifecycle::manage(Redis);
    lifecycle::manage(Recorder);
    let sockets = lifecycle::manage(Sockets);
    lifecycle::manage(Strategy);
    if scenario("two") {
        lifecycle::manage(Database);
    }
    if scenario("release") {
        assert!(lifecycle::release(&sockets));
    }
    if scenario("hookless") {
        lifecycle::manage(String::from("no hook"));
    }
    if scenario("forgotten") {
        let _not_managed = Forgotten;
    }
    if scenario("stuck-blocking") {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(3600)));
    }
    lifecycle::ready();
    println!("up");
    if scenario("request") {
        lifecycle::shutdown("the books are closed");
    }
    if scenario("fail") {
        panic!("main gives up");
    }
    std::future::pending::<()>().await;
}
