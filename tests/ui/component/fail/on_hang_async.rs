struct Recorder;

impl Recorder {
    #[lifecycle::component(phase = "persist", on_hang = true)]
    async fn flush(&self) {}
}

fn main() {}
