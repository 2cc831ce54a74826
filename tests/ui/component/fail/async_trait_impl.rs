struct Store;

trait Close {
    fn close<'life0, 'async_trait>(&'life0 self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait;
}

impl Close for Store {
    #[lifecycle::component]
    fn close<'life0, 'async_trait>(&'life0 self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async {})
    }
}

fn main() {}
