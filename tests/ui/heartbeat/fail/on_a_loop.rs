fn main() {
    #[lifecycle::heartbeat]
    for _ in 0..3 {}
}
