fn main() {
    #[lifecycle::component]
    let _close = 1;
}
