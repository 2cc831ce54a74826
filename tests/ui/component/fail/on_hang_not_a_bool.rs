struct Recorder;

impl Recorder {
    #[lifecycle::component(phase = "persist", on_hang = "true")]
    fn flush(&self) {}
}

fn main() {}
