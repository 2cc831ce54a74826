struct Pool<T>(T);

impl Pool<u8> {
    #[lifecycle::component]
    fn close(&self) {}
}

impl Pool<String> {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {
    lifecycle::manage(Pool(1_u8));
    lifecycle::manage(Pool(String::new()));
    assert_eq!(lifecycle::plan().hooks.len(), 2);
}
