//! A healthy service whose threads and tasks wait, as they are made to: for work, for their turn, for room.

use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Barrier, Semaphore, mpsc, oneshot};

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[lifecycle::heartbeat]
async fn tick() {
    millis(20).await;
}

/// The thread pool of the book: one waits for work, and the others for their turn to wait for it.
fn pool(work: Receiver<u64>) {
    let work = Arc::new(Mutex::new(work));
    for _ in 0..4 {
        let work = work.clone();
        std::thread::spawn(move || {
            loop {
                let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                if job.is_err() {
                    return;
                }
            }
        });
    }
}

fn threads_that_wait() {
    let (work, jobs) = channel();
    pool(jobs);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(3600));
            let _ = work.send(1);
        }
    });
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || while sender.send(1).is_ok() {});
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(300));
            let _ = receiver.recv();
        }
    });
    std::thread::spawn(|| {
        let (lock, bell) = (Mutex::new(()), Condvar::new());
        drop(bell.wait(lock.lock().unwrap_or_else(PoisonError::into_inner)));
    });
}

/// Each gets its turn, after a while.
fn tasks_that_wait() {
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    let permits = Arc::new(Semaphore::new(1));
    let barrier = Arc::new(Barrier::new(3));
    for number in 0..3 {
        let (turn, permits, barrier) = (turn.clone(), permits.clone(), barrier.clone());
        lifecycle::spawn(format!("turns {number}"), async move {
            loop {
                let held = turn.lock().await;
                millis(200).await;
                drop(held);
            }
        });
        lifecycle::spawn(format!("permits {number}"), async move {
            loop {
                let _permit = permits.acquire().await;
                millis(200).await;
            }
        });
        lifecycle::spawn(format!("rounds {number}"), async move {
            loop {
                millis(100 * (number + 1)).await;
                barrier.wait().await;
            }
        });
    }
    let (sender, mut receiver) = mpsc::channel(1);
    lifecycle::spawn("producer", async move { while sender.send(1).await.is_ok() {} });
    lifecycle::spawn("consumer", async move {
        loop {
            millis(200).await;
            receiver.recv().await;
        }
    });
    lifecycle::spawn("never asked", async {
        let (_sender, receiver) = oneshot::channel::<u8>();
        let _ = receiver.await;
    });
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(3600)));
}

#[lifecycle::main(worker_threads = 2)]
async fn main() {
    threads_that_wait();
    tasks_that_wait();
    println!("up");
    while lifecycle::is_running() {
        tick().await;
    }
}
