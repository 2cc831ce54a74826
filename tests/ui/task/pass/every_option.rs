use std::sync::Arc;

struct Feed;

impl Feed {
    #[lifecycle::task(name = "feed", restart(max_restarts = 5, within = "1m", wait = "100ms", max_wait = "1m"))]
    async fn run(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[lifecycle::task(restart = true)]
    async fn poll(self: Arc<Self>) {}

    #[lifecycle::task(restart = false)]
    async fn once(&self) -> Result<(), String> {
        Ok(())
    }
}

#[lifecycle::task]
async fn collect() {
    lifecycle::stopping().await;
}

fn main() {}
