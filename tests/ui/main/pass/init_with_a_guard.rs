#[lifecycle::main(init = logging, restart = false)]
fn main() {}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        println!("flushed");
    }
}

fn logging() -> Guard {
    Guard
}
