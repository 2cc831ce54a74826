#[lifecycle::heartbeat]
async fn tick() {
    let _number: u32 = std::future::ready("text").await;
}

fn main() {}
