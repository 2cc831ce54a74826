trait Close {
    #[lifecycle::component]
    async fn close(&self) {}
}

fn main() {}
