struct Config;

impl Config {
    #[lifecycle::reload(order = -1, timeout = "10s", name = "limits")]
    async fn read(&self) -> Result<(), String> {
        Ok(())
    }

    #[lifecycle::reload]
    #[lifecycle::component(phase = "persist")]
    fn both(&self) {}
}

#[lifecycle::reload]
fn free() {}

fn main() {
    lifecycle::manage(Config);
}
