#![deny(warnings)]

async fn forever() -> ! {
    std::future::pending().await
}

#[lifecycle::heartbeat]
async fn statement() {
    forever().await;
}

#[lifecycle::heartbeat]
async fn tail() -> ! {
    forever().await
}

#[lifecycle::heartbeat]
async fn arms(first: bool) -> u8 {
    if first {
        forever().await;
    }
    std::future::ready(Some(1)).await.unwrap();
    match first {
        true => forever().await,
        false => std::future::ready("1").await.len() as u8,
    }
}

fn main() {
    let _ = (statement(), tail(), arms(true));
}
