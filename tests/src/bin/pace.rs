//! Heartbeats in a process that does not get the time that it needs: `pace <scenario>`.

use std::time::{Duration, Instant};

use lifecycle::Heartbeat;

static ENDLESS: Heartbeat = Heartbeat::new("endless", Duration::MAX);
static LONG: Heartbeat = Heartbeat::new("long", Duration::from_secs(u64::MAX));
static ZERO: Heartbeat = Heartbeat::new("zero", Duration::ZERO);
static NANOSECOND: Heartbeat = Heartbeat::new("nanosecond", Duration::from_nanos(1));

/// A round with so much work for the processor.
#[lifecycle::heartbeat(name = "burns")]
fn burn(work: Duration) {
    let used = || {
        // SAFETY: a valid timespec.
        unsafe {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
            Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
        }
    };
    let begun = used();
    while used() - begun < work {
        std::hint::black_box(0);
    }
}

/// A round that has something left to do whenever it is stopped.
#[lifecycle::heartbeat(name = "slices", arm = "first_beat")]
async fn slices() {
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[lifecycle::main(worker_threads = 2)]
async fn main() {
    println!("up");
    match std::env::args().nth(1).as_deref() {
        Some("burns") => {
            std::thread::spawn(|| {
                loop {
                    burn(Duration::from_millis(100));
                    println!("round");
                }
            });
            lifecycle::stopping().await;
        }
        Some("limits") => {
            let begun = Instant::now();
            while lifecycle::is_running() && begun.elapsed() < Duration::from_secs(60) {
                [&ENDLESS, &LONG, &ZERO, &NANOSECOND].into_iter().for_each(Heartbeat::beat);
                burn(Duration::ZERO);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Some("short-hangs") => {
            NANOSECOND.beat();
            std::future::pending::<()>().await;
        }
        _ => {
            while lifecycle::is_running() {
                burn(Duration::ZERO);
                slices().await;
                println!("round");
            }
        }
    }
}
