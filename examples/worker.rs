//! Tracked tasks: two workers share a queue. Press Ctrl-C: each finishes its job, and what is left is written down.
//! Or wait for job 13: it fails, so the run ends, and begins again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;

#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<u32>>,
}

impl Queue {
    fn push(&self, job: u32) {
        self.jobs.lock().unwrap().push_back(job);
    }

    fn pop(&self) -> Option<u32> {
        self.jobs.lock().unwrap().pop_front()
    }

    #[lifecycle::component(phase = "persist")]
    fn save(&self) {
        println!("left for the next run: {:?}", self.jobs.lock().unwrap());
    }
}

/// It asks `is_running`, so a shutdown waits for it; a task that never asks is dropped at its next `.await`.
async fn work(worker: &str, queue: Arc<Queue>) -> Result<(), String> {
    while lifecycle::is_running() {
        match queue.pop() {
            // A panic or an `Err` ends the whole run as a failure, and it is restarted: nothing dies unseen.
            Some(13) => return Err("job 13 brings bad luck".to_owned()),
            Some(job) => {
                println!("{worker}: begins job {job}");
                sleep(Duration::from_secs(1)).await;
                println!("{worker}: job {job} is done");
            }
            None => sleep(Duration::from_millis(50)).await,
        }
    }
    Ok(())
}

#[lifecycle::main(init = tracing_subscriber::fmt::init)]
async fn main() {
    let queue = lifecycle::manage(Queue::default());
    lifecycle::spawn("anna", work("anna", Arc::clone(&queue)));
    lifecycle::spawn("bert", work("bert", Arc::clone(&queue)));
    for job in 1.. {
        queue.push(job);
        // Deaf on purpose: a loop that has nothing to finish may be dropped at once.
        sleep(Duration::from_millis(400)).await;
    }
}
