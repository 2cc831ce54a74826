#[lifecycle::main(init = logging, restart = false)]
fn main() {}

fn logging() -> Result<Vec<String>, std::num::ParseIntError> {
    "1".parse::<u8>().map(|number| vec![number.to_string()])
}
