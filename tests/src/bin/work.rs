//! Background tasks, closures as hooks, reloads, and work that is no task; the first argument picks a scenario.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use lifecycle::{Phase, Service, on_stop};

static CALLS: AtomicU32 = AtomicU32::new(0);

struct State;

impl State {
    #[lifecycle::component(phase = "persist", timeout = "2s")]
    fn flush(&self) {
        let left =
            lifecycle::deadline().map(|until| until.saturating_duration_since(std::time::Instant::now()));
        println!("hook persist, {} s left", left.map_or(-1.0, |left| left.as_secs_f64().round()));
    }
}

struct Feed(&'static str);

impl Feed {
    #[lifecycle::task(restart(max_restarts = 2, within = "1m", wait = "20ms", max_wait = "30ms"))]
    async fn run(&self) -> anyhow::Result<()> {
        let call = CALLS.fetch_add(1, Relaxed) + 1;
        println!("{} call {call}", self.0);
        match self.0 {
            "recovers" if call < 3 => anyhow::bail!("connection {call} reset"),
            "panics" if call < 3 => panic!("connection {call} reset"),
            "fails" => anyhow::bail!("connection {call} reset"),
            _ => {}
        }
        println!("{} works, restarts {:?}", self.0, lifecycle::status().restarts);
        lifecycle::stopping().await;
        println!("{} ends", self.0);
        Ok(())
    }
}

struct Plain;

impl Plain {
    #[lifecycle::task(name = "plain task")]
    async fn run(self: Arc<Self>) -> Result<(), String> {
        Err("no second try".to_owned())
    }
}

#[lifecycle::task]
async fn free_task() {
    if scenario() == "tasks" {
        println!("free task");
    }
    lifecycle::stopping().await;
}

struct Config;

impl Config {
    #[lifecycle::reload(order = 1)]
    async fn read(&self) -> Result<(), String> {
        println!("read at order 1");
        Ok(())
    }

    #[lifecycle::reload(timeout = "300ms")]
    fn check(self: Arc<Self>) -> Result<(), String> {
        let call = CALLS.fetch_add(1, Relaxed) + 1;
        println!("check {call}");
        match (scenario().as_str(), call) {
            ("reload-fails", 2) => Err("line 7: unknown key".to_owned()),
            ("reload-hangs", 2) => loop {
                std::thread::park();
            },
            _ => Ok(()),
        }
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        println!("config dropped");
    }
}

#[lifecycle::reload(order = 2)]
async fn free_reload() {
    println!("read at order 2");
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn closures() {
    on_stop("late", Phase::DISCONNECT, 2, || async { println!("closure: late") }).detach();
    on_stop("early", Phase::STOP, 0, || println!("closure: early")).detach();
    let text = String::from("owned");
    on_stop("owned", Phase::PERSIST, 1, async move || {
        millis(1).await;
        println!("closure: {text}");
        Ok::<(), String>(())
    })
    .timeout(Duration::from_secs(3))
    .detach();
    for number in 1..=2 {
        on_stop("twice", Phase::DISCONNECT, 0, move || println!("closure: twice {number}")).detach();
    }
    drop(on_stop("dropped", Phase::PERSIST, 0, || println!("closure: dropped")));
}

async fn reloads() {
    lifecycle::manage_arc(Arc::new(Config));
    let mut reloads = lifecycle::reloads();
    println!("up");
    while reloads.next().await.is_some() {
        println!("reloaded");
    }
    println!("no more reloads");
}

async fn main_body() -> anyhow::Result<()> {
    let scenario = scenario();
    lifecycle::manage(State);
    match scenario.as_str() {
        "closures" => closures(),
        "closure-fails" => {
            on_stop("broken", Phase::STOP, 0, || Err::<(), _>("no disk")).detach();
            on_stop("stuck", Phase::STOP, 1, std::future::pending::<()>)
                .timeout(Duration::from_millis(100))
                .detach();
        }
        "closure-of-main" => {
            let _guard = on_stop("guarded", Phase::DISCONNECT, 0, || println!("closure: guarded"));
            println!("up");
            lifecycle::stopping().await;
            return Ok(());
        }
        "tasks" | "recovers" | "panics" | "fails" => {
            lifecycle::manage(Feed(scenario.clone().leak()));
        }
        "plain" => drop(lifecycle::manage(Plain)),
        "reload" | "reload-fails" | "reload-hangs" => {
            reloads().await;
            return Ok(());
        }
        "reload-alone" => {
            lifecycle::manage(Config);
            let _task = lifecycle::spawn("follower", async {
                while lifecycle::is_running() {
                    println!("following");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
                println!("follower is done");
            });
        }
        "blocking" => {
            let _task = lifecycle::spawn_blocking("import", || {
                while lifecycle::is_running() {
                    std::thread::sleep(Duration::from_millis(10));
                }
                std::thread::sleep(Duration::from_millis(300));
                println!("import ends");
            });
        }
        "blocking-hangs" => {
            let _task = lifecycle::spawn_blocking("import", || {
                let _asked = lifecycle::is_running();
                std::thread::sleep(Duration::from_secs(60));
            });
        }
        "blocking-panics" => drop(lifecycle::spawn_blocking("import", || panic!("row 7 is broken"))),
        "busy" => {
            tokio::spawn(async {
                let _busy = lifecycle::busy("POST /orders");
                millis(4_000).await;
                println!("answered");
            });
        }
        "busy-for-ever" => {
            tokio::spawn(async {
                let _busy = lifecycle::busy("GET /events");
                std::future::pending::<()>().await;
            });
        }
        "delay" => {
            tokio::spawn(async {
                loop {
                    let status = lifecycle::status();
                    println!(
                        "state {:?} ready {} running {}",
                        status.state,
                        status.ready,
                        lifecycle::is_running()
                    );
                    millis(10).await;
                }
            });
        }
        "delay-returns" => {
            millis(100).await;
            println!("up");
            while lifecycle::status().state == lifecycle::State::Running {
                millis(10).await;
            }
            return Ok(());
        }
        "ready" => {
            println!("ready {}", lifecycle::status().ready);
            millis(1_500).await;
            println!("ready {}", lifecycle::status().ready);
            lifecycle::ready();
            println!("ready {}", lifecycle::status().ready);
        }
        "long-poll" => {
            tokio::spawn(async { std::thread::sleep(Duration::from_secs(5)) });
        }
        "short-polls" => {
            tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
        }
        "stray-panic" => {
            tokio::spawn(async { panic!("nobody looks") });
        }
        "stray-thread" => drop(std::thread::spawn(|| panic!("nobody looks"))),
        "tolerated-panic" => {
            tokio::spawn(async {
                let _tolerated = lifecycle::tolerate_panics();
                let _caught = std::panic::catch_unwind(|| panic!("all is well"));
            });
        }
        "caught-panic" => {
            lifecycle::spawn("careful", async {
                let _caught = std::panic::catch_unwind(|| panic!("all is well"));
            });
        }
        "track" => {
            let part = lifecycle::track("tracked future", async {
                while lifecycle::is_running() {
                    millis(10).await;
                }
            });
            println!("up");
            tokio::spawn(async {
                millis(50).await;
                assert!(lifecycle::hang_report().contains("tracked future"));
                println!("reported");
            });
            part.await;
            return Ok(());
        }
        other => anyhow::bail!("no scenario {other:?}"),
    }
    println!("up");
    lifecycle::stopping().await;
    Ok(())
}

fn init() {
    println!("init");
}

fn runtime() -> tokio::runtime::Builder {
    println!("runtime");
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("mine");
    builder
}

/// By hand, inside a runtime of another kind.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("NOBODY_RUNS").is_some() {
        lifecycle::manage(State);
        lifecycle::manage(State);
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("BY_HAND").is_some() {
        return Service::new().init(init).runtime(runtime).run(main_body);
    }
    Service::new().run(main_body)
}
