//! An `init` that misbehaves, as the variable INIT says.

fn init() -> anyhow::Result<()> {
    println!("init begins");
    match std::env::var("INIT").as_deref() {
        Ok("hangs") => loop {
            std::thread::park();
        },
        Ok("fails") => anyhow::bail!("no crypto provider"),
        Ok("panics") => panic!("init gives up"),
        _ => Ok(()),
    }
}

#[lifecycle::main(init = init)]
async fn main() {
    println!("main");
}
