struct Config;

impl Config {
    #[lifecycle::reload]
    fn read(self) {}
}

fn main() {}
