struct Pool<T>(T);

impl<T> Pool<T> {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {}
