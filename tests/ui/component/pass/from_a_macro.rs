macro_rules! stores {
    ($($name:ident)*) => { $(
        struct $name;
        impl $name {
            #[lifecycle::component]
            async fn close(&self) {}
        }
    )* };
}

stores!(A B C);

fn main() {
    assert_eq!(lifecycle::plan().hooks.len(), 3);
    let _ = (A, B, C);
}
