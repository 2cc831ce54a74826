struct Store<'a>(&'a str);

impl<'a> Store<'a> {
    #[lifecycle::component]
    fn close(&self) {
        assert!(self.0.is_empty());
    }
}

fn main() {
    lifecycle::manage(Store(""));
}
