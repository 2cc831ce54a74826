#[lifecycle::heartbeat]
async fn tick() {
    1.await;
}

fn main() {}
