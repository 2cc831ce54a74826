trait Close {}

impl dyn Close {
    #[lifecycle::component]
    async fn close(&self) {}
}

fn main() {}
