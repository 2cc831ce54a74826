struct Store {
    #[lifecycle::component]
    pool: u8,
}

fn main() {}
