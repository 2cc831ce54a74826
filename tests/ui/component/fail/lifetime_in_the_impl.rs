struct Service<'a>(&'a str);

impl<'a> Service<'a> {
    #[lifecycle::component]
    async fn close(&self) {
        println!("{}", self.0);
    }
}

struct Store<'a>(&'a str);

impl Store<'_> {
    #[lifecycle::component]
    async fn flush(&self) {
        println!("{}", self.0);
    }
}

fn main() {}
