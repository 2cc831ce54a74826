#[lifecycle::heartbeat]
unsafe extern "C" fn tick() {}

fn main() {
    // SAFETY: it does nothing.
    unsafe { tick() }
}
