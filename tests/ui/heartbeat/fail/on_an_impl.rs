struct Scheduler;

#[lifecycle::heartbeat]
impl Scheduler {}

fn main() {}
