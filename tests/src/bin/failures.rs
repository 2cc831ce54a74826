//! A service that fails with a meaning: `failures HOW MEANING`, where the meaning is `permanent` or milliseconds. In its second
//! run it stays up.

use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use lifecycle::{Failure, permanent, retry_after};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// The last error, as caches of errors keep it.
static KEPT: Mutex<Vec<Failure>> = Mutex::new(Vec::new());

fn how() -> String {
    std::env::args().nth(1).expect("how it fails")
}

fn failure() -> Failure {
    match std::env::args().nth(2).expect("what it means").as_str() {
        "permanent" => permanent(std::io::Error::other("bad token")),
        ms => retry_after("slow down", Duration::from_millis(ms.parse().expect("a number"))),
    }
}

/// As thiserror would write it.
#[derive(Debug)]
enum LogIn {
    Refused(Failure),
}

impl fmt::Display for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the login was refused")
    }
}

impl Error for LogIn {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let LogIn::Refused(failure) = self;
        Some(failure)
    }
}

fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(failure())?
}

struct Session;

impl Session {
    #[lifecycle::component]
    async fn close(&self) -> Result<(), Failure> {
        println!("closed");
        if how() == "hook" && RUNS.load(Relaxed) == 1 { Err(failure()) } else { Ok(()) }
    }
}

fn init() -> Result<(), Failure> {
    if how() == "init" { Err(failure()) } else { Ok(()) }
}

#[lifecycle::main(init = init)]
async fn main() -> anyhow::Result<()> {
    let run = RUNS.fetch_add(1, Relaxed) + 1;
    println!("run {run}");
    lifecycle::manage(Session);
    if run > 1 {
        println!("stays up");
        lifecycle::stopping().await;
        return Ok(());
    }
    match how().as_str() {
        "bare" => return Err(failure().into()),
        "context" => return Err(failure()).context("logging in").context("starting"),
        "boxed" => return boxed().map_err(|error| anyhow!(error)),
        "enum" => return Err(LogIn::Refused(failure()).into()),
        "nested" => return Err(retry_after(failure(), Duration::from_millis(1)).into()),
        "task" => drop(lifecycle::spawn("login", async { Err::<(), _>(failure()) })),
        "task-panics" => drop(lifecycle::spawn("login", async {
            KEPT.lock().expect("no panic").push(failure());
            panic!("no session");
        })),
        "kept" => {
            KEPT.lock().expect("no panic").extend([failure(), retry_after("x", Duration::from_millis(1))]);
            bail!("something else");
        }
        "handled" => {
            drop(failure());
            bail!("something else");
        }
        "hook" => bail!("something else"),
        "late" => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            bail!("something else");
        }
        other => panic!("no such scenario: {other}"),
    }
    lifecycle::stopping().await;
    Ok(())
}
