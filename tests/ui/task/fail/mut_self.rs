struct Feed;

impl Feed {
    #[lifecycle::task]
    async fn run(&mut self) {}
}

fn main() {}
