//! A plain `fn main`: no async in sight.

use std::time::Duration;

struct Journal;

impl Journal {
    #[lifecycle::component(phase = "persist")]
    fn flush(&self) -> Result<(), std::io::Error> {
        println!("flushed");
        Ok(())
    }
}

#[lifecycle::main]
fn main() -> Result<(), String> {
    lifecycle::manage(Journal);
    println!("up");
    match std::env::args().nth(1).as_deref() {
        Some("err") => Err("no disk".into()),
        Some("never-checks") => loop {
            std::thread::sleep(Duration::from_millis(50));
        },
        _ => {
            while lifecycle::is_running() {
                std::thread::sleep(Duration::from_millis(10));
            }
            println!("returned");
            Ok(())
        }
    }
}
