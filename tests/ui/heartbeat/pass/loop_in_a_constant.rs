#[lifecycle::heartbeat]
fn tick() -> [u8; { let mut length = 0; while length < 3 { length += 1; } length }] {
    const { let mut length = 0_u8; while length < 3 { length += 1; } [length; 3] }
}

fn main() {
    assert_eq!(tick(), [3; 3]);
}
