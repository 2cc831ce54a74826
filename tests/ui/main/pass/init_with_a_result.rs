#[lifecycle::main(init = setup::all, restart = false)]
fn main() {}

mod setup {
    pub fn all() -> Result<(), std::num::ParseIntError> {
        "1".parse::<u8>().map(drop)
    }
}
