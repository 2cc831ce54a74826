fn main() {
    let _close = #[lifecycle::component] || {};
}
