#![deny(unused_must_use)]

#[lifecycle::heartbeat]
async fn tick() {
    std::future::ready(Err::<(), ()>(())).await;
}

fn main() {}
