//! Ends as the argument says, for what is written about it.

use lifecycle::{permanent, stopping};

struct Orders;

impl Orders {
    #[lifecycle::component(phase = "persist", order = 7)]
    async fn flush(&self) -> Result<(), &'static str> {
        if scenario() == "hook" { Err("no space left") } else { Ok(()) }
    }

    #[lifecycle::heartbeat(timeout = "300ms")]
    fn tick(&self) {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

fn init() -> Result<(), &'static str> {
    if scenario() == "init" { Err("no certificate") } else { Ok(()) }
}

#[lifecycle::main(init = init)]
async fn main() -> anyhow::Result<()> {
    let orders = lifecycle::manage(Orders);
    match scenario().as_str() {
        "fails" => anyhow::bail!("no route to the exchange"),
        "permanent" => return Err(permanent(anyhow::anyhow!("wrong key")).into()),
        "hangs" => orders.tick(),
        "hook" => lifecycle::shutdown("done"),
        _ => println!("up"),
    }
    stopping().await;
    Ok(())
}
