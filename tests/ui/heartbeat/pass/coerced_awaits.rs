#[lifecycle::heartbeat]
async fn tick() -> Result<Box<dyn std::fmt::Debug>, std::num::ParseIntError> {
    let number = std::future::ready("1".parse::<u8>()).await?;
    let list: Vec<_> = std::future::ready([number].into_iter().collect()).await;
    let debug: Box<dyn std::fmt::Debug> = Box::new(std::future::ready(list).await);
    match std::future::ready(Some(&debug)).await {
        Some(_) => Ok(std::future::ready(debug).await),
        None => Ok(Box::new(std::future::ready(()).await)),
    }
}

fn main() {
    let _ = tick();
}
