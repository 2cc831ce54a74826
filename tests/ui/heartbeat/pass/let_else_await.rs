#[lifecycle::heartbeat]
async fn tick(text: Option<&str>) -> usize {
    let Some(text) = std::future::ready(text).await else { return 0 };
    let borrowed = &std::future::ready(text.to_owned()).await;
    if std::future::ready(true).await { borrowed.len() } else { 1 }
}

fn main() {
    let _ = tick(None);
}
