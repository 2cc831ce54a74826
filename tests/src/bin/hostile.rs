//! A service that does to its process what libraries do: `hostile <scenario>`.

use std::time::Duration;

use tracing::subscriber::{NoSubscriber, with_default};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

/// Panics at a record of the framework's.
struct Panics;

impl<S: tracing::Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        assert_ne!(event.metadata().target(), "lifecycle", "a layer that cannot take it");
    }
}

fn init() {
    match scenario().as_str() {
        "scoped" => with_default(NoSubscriber::new(), || tracing::info!("nobody hears it")),
        "layer" => tracing_subscriber::registry().with(Panics).init(),
        _ => {}
    }
}

struct Store;

impl Store {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) -> Result<(), String> {
        println!("flush");
        Err("disk full".into())
    }

    #[lifecycle::component(phase = "disconnect")]
    fn close(&self) {
        println!("close");
    }
}

/// What waits for the token wakes this, and it panics.
struct Bomb;

impl std::task::Wake for Bomb {
    fn wake(self: std::sync::Arc<Bomb>) {
        panic!("a waker that panics");
    }
}

#[lifecycle::main(init = init)]
async fn main() -> Result<(), String> {
    lifecycle::manage(Store);
    let mut waits = std::pin::pin!(lifecycle::stopping());
    if scenario() == "waker" {
        let waker = std::task::Waker::from(std::sync::Arc::new(Bomb));
        let _ = waits.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    }
    if scenario() == "fork" {
        // SAFETY: the child calls only async-signal-safe functions.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                loop {
                    libc::pause();
                }
            }
            println!("child {child}");
            let mut status = 0;
            libc::kill(child, libc::SIGTERM);
            libc::waitpid(child, &raw mut status, 0);
            println!("killed by {}", libc::WTERMSIG(status));
        }
    }
    if scenario() == "replaced" {
        // SAFETY: a handler that does nothing.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        lifecycle::ready();
    }
    println!("up");
    tokio::time::sleep(Duration::from_millis(50)).await;
    lifecycle::stopping().await;
    Ok(())
}

use std::future::Future;
