//! Every shape of the attributes in a crate that forbids and denies what a user might.
#![forbid(unsafe_code)]
#![deny(missing_docs, unused_qualifications, warnings, clippy::all, clippy::pedantic)]

use std::fmt::Write as _;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use renamed::Phase;

/// A phase of its own.
pub const TELEMETRY: Phase = Phase::new("telemetry", 250);

/// A component.
pub struct Database(String);

impl Database {
    /// Closes.
    ///
    /// # Errors
    /// Never.
    #[renamed::component(order = -3, phase = "persist", timeout = "1m 30s", name = "db", crate = ::renamed)]
    pub async fn close(&self) -> Result<(), String> {
        ready(&self.0).await;
        Ok(())
    }

    #[renamed::component(phase = TELEMETRY, on_hang = true, crate = ::renamed)]
    fn flush(self: Arc<Self>) {
        let _ = &self.0;
    }

    #[renamed::component(crate = ::renamed)]
    #[cfg(any())]
    fn absent(&self) -> Missing {}

    #[renamed::heartbeat(crate = ::renamed)]
    async fn tick<T: Clone>(&self, input: T) -> Result<T, std::fmt::Error> {
        const ROUND: usize = 3;
        let mut text = String::new();
        write!(text, "{} {ROUND}", ready(&self.0).await.len())?;
        let nested = async { ready(1).await };
        println!("{text} {}", nested.await);
        Ok(ready(input.clone()).await)
    }
}

macro_rules! components {
    ($($name:ident $order:literal $timeout:literal),*) => { $(
        struct $name;

        impl $name {
            #[renamed::component(order = $order, timeout = $timeout, phase = $crate::TELEMETRY, crate = ::renamed)]
            async fn close(&self) {
                let $name = self;
                ready(()).await;
            }

            #[renamed::heartbeat(timeout = $timeout, crate = ::renamed)]
            async fn tick(&self) {
                let $name = self;
                ready(()).await;
            }
        }
    )* };
}

components!(Cache 1 "5s", Queue -2 "6s");

#[renamed::component(crate = ::renamed)]
async fn close() {
    ready(()).await;
}

#[renamed::component(crate = ::renamed)]
fn flush() -> Result<(), String> {
    std::env::var("HOME").map(drop).map_err(|error| error.to_string())
}

#[renamed::heartbeat(arm = "first_beat", name = "boxed", crate = ::renamed)]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move { ready(text).await.len() })
}

#[renamed::heartbeat(crate = ::renamed)]
fn future(text: &str) -> impl Future<Output = usize> + Send + '_ {
    println!("made");
    async move { ready(text).await.len() }
}

#[renamed::heartbeat(crate = ::renamed)]
fn iterator<T: ToString>(value: &T) -> impl Iterator<Item = String> + use<T> {
    std::iter::once(value.to_string())
}

#[renamed::heartbeat(arm = "call", crate = ::renamed)]
async fn rounds(texts: Vec<Option<String>>) -> Option<usize> {
    let mut count = 0;
    'all: for text in texts {
        const LONG: usize = 3;
        let Some(text) = ready(text).await else { continue 'all };
        let mut rest = ready(text).await.len();
        while ready(rest > LONG).await {
            rest -= 1;
        }
        count += rest;
    }
    while let Some(lower) = ready(count.checked_sub(1)).await {
        count = lower;
    }
    let found: Box<dyn Fn() -> usize> = ready(Box::new(move || count) as Box<dyn Fn() -> usize>).await;
    loop {
        if found() == count {
            break;
        }
    }
    Some(ready(Some(count)).await? + ready([1, 2]).await[0])
}

#[renamed::heartbeat(crate = ::renamed)]
fn leave() -> ! {
    std::process::exit(0)
}

trait Tick {
    fn required(&self);

    #[renamed::heartbeat(crate = ::renamed)]
    fn provided(&self) {}
}

impl Tick for Database {
    #[renamed::heartbeat(crate = ::renamed)]
    fn required(&self) {}
}

fn setup() {}

#[renamed::main(
    shutdown_timeout = "30s",
    drain = "0s",
    restart(max_crashes = 1, within = "1m", wait = "1s", factor = 1, max_wait = "1s", file = "crashes",
        mode = "exec", store = "redis://cache", service = "strict"),
    watchdog(timeout = "1m", startup = "2m", on_hang = "exec"),
    init = setup,
    flavor = multi_thread,
    worker_threads = 1,
    crate = ::renamed
)]
async fn main() -> Result<(), std::fmt::Error> {
    let database = renamed::manage(Database(String::new()));
    database.required();
    database.provided();
    database.tick(2).await?;
    println!("{:?}", rounds(vec![Some("four".to_string()), None]).await);
    renamed::manage(Cache).tick().await;
    renamed::manage(Queue).tick().await;
    println!("{} {} {}", boxed("a").await, future("b").await, iterator(&3).count());
    leave()
}
