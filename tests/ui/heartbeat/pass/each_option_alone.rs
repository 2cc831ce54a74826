#[lifecycle::heartbeat]
async fn no_options() {}

#[lifecycle::heartbeat(timeout = "50ms")]
async fn timeout() {}

#[lifecycle::heartbeat(name = "the tick")]
async fn name() {}

#[lifecycle::heartbeat(arm = "start")]
async fn arm_start() {}

#[lifecycle::heartbeat(arm = "first_beat")]
async fn arm_first_beat() {}

#[lifecycle::heartbeat(arm = "call")]
async fn arm_call() {}

#[lifecycle::heartbeat(crate = ::lifecycle)]
async fn crate_path() {}

fn main() {
    let _ = no_options();
    let _ = timeout();
    let _ = name();
    let _ = arm_start();
    let _ = arm_first_beat();
    let _ = arm_call();
    let _ = crate_path();
}
