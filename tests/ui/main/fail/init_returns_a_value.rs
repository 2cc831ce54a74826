#[lifecycle::main(init = setup)]
async fn main() {}

fn setup() -> u8 {
    1
}
