#[lifecycle::component]
static STORE: u8 = 1;

fn main() {}
