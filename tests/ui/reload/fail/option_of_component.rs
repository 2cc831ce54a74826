struct Config;

impl Config {
    #[lifecycle::reload(phase = "persist")]
    async fn read(&self) {}
}

fn main() {}
