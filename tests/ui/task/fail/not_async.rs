struct Feed;

impl Feed {
    #[lifecycle::task]
    fn run(&self) {}
}

fn main() {}
