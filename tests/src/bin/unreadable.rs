//! A service whose plan cannot be read: one phase name, two ranks.

use lifecycle::Phase;

const EARLY: Phase = Phase::new("disconnect", 50);

#[lifecycle::component(phase = EARLY)]
fn early() {}

#[lifecycle::component(phase = "disconnect")]
fn late() {}

fn init() {
    println!("init");
}

#[lifecycle::main(init = init)]
async fn main() {
    println!("main");
}
