struct Store(std::rc::Rc<u8>);

impl Store {
    #[lifecycle::component]
    fn close(self: std::sync::Arc<Self>) {}
}

fn main() {}
