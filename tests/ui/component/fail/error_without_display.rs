struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> Result<(), Store> {
        Ok(())
    }
}

fn main() {}
