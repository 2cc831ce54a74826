#[lifecycle::main(init = logging)]
fn main() {}

struct Silent;

fn logging() -> Result<(), Silent> {
    Err(Silent)
}
