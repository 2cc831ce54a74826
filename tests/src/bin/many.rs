//! Ten thousand components in a hundred steps (H16).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

static CALLED: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);

struct Component(u64);

impl Component {
    #[lifecycle::component(phase = "persist", order = -1)]
    async fn flush(&self) {
        assert!(CALLED.fetch_add(1, Relaxed) < 10_000, "every flush comes before every close");
    }

    #[lifecycle::component]
    async fn close(&self) {
        assert!(CALLED.fetch_add(1, Relaxed) >= 10_000, "every close comes after every flush");
        LAST.fetch_max(self.0, Relaxed);
    }
}

#[lifecycle::component(order = 1)]
fn told() {
    println!("{} calls, last {}", CALLED.load(Relaxed), LAST.load(Relaxed));
}

#[lifecycle::main]
async fn main() {
    for number in 0..10_000 {
        lifecycle::manage(Component(number));
    }
    println!("up");
}
