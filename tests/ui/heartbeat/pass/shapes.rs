use std::pin::Pin;

trait Tick {
    fn tick<'a>(&'a self) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>>;
}

impl Tick for String {
    #[lifecycle::heartbeat(name = "boxed", timeout = "5s", arm = "first_beat")]
    fn tick<'a>(&'a self) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
        Box::pin(async move { length(self).await })
    }
}

#[lifecycle::heartbeat]
async fn length<T: AsRef<str> + Sync>(text: &T) -> usize {
    std::future::ready(text.as_ref().len()).await
}

#[lifecycle::heartbeat]
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ')
}

#[lifecycle::heartbeat]
fn leave() -> ! {
    std::process::exit(0)
}

fn main() {
    let text = String::from("a b");
    let _future: Pin<Box<dyn Future<Output = usize> + Send>> = text.tick();
    assert_eq!(words(&text).count(), 2);
    leave();
}
