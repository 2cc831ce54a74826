fn main() {
    let _tick = #[lifecycle::heartbeat] || {};
}
