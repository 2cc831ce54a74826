trait Close {
    #[lifecycle::component]
    fn close(&self);
}

fn main() {}
