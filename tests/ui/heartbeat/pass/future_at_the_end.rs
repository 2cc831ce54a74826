use std::pin::Pin;

#[lifecycle::heartbeat]
fn boxed(text: String) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move { std::future::ready(text.len()).await })
}

#[lifecycle::heartbeat]
fn plain(text: String) -> impl Future<Output = usize> {
    async move { text.len() }
}

fn main() {
    let _ = (boxed(String::new()), plain(String::new()));
}
