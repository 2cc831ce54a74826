struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> Result<u8, String> { Ok(1) }
}

fn main() {}
