fn main() {
    let _main = #[lifecycle::main] || {};
}
