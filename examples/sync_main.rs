//! No `async`, no tokio in sight: a plain program with a plain `main`. Press Ctrl-C: its readings are saved.

use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

struct Meter {
    started: Instant,
    readings: Mutex<Vec<Duration>>,
}

impl Meter {
    #[lifecycle::heartbeat]
    fn measure(&self) {
        let reading = self.started.elapsed();
        println!("{:.1} s", reading.as_secs_f32());
        self.readings.lock().unwrap().push(reading);
        sleep(Duration::from_millis(500));
    }

    #[lifecycle::component(phase = "persist")]
    fn save(&self) -> std::io::Result<()> {
        let file = std::env::temp_dir().join("readings.txt");
        std::fs::write(&file, format!("{:#?}\n", self.readings.lock().unwrap()))?;
        println!("saved to {}", file.display());
        Ok(())
    }
}

#[lifecycle::main(init = tracing_subscriber::fmt::init)]
fn main() {
    let meter = lifecycle::manage(Meter { started: Instant::now(), readings: Mutex::default() });
    while lifecycle::is_running() {
        meter.measure();
    }
}
