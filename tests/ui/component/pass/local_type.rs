fn main() {
    struct Local;

    impl Local {
        #[lifecycle::component]
        async fn close(&self) {}
    }

    lifecycle::manage(Local);
}
