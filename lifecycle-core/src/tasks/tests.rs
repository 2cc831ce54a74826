use std::sync::Arc;

use super::catch_panic::Ended;
use super::run::Run;
use super::stop::Stop;
use crate::os::clock::Clock;
use crate::os::wakeup::Wakeup;

#[test]
fn main_is_never_seen_live_in_a_run_that_it_has_ended() {
    let wakeup = Arc::new(Wakeup::new().expect("two file descriptors"));
    for _ in 0..2_000 {
        let run = Arc::new(Run::new(wakeup.clone(), None, Clock::Real));
        let main = run.join("main", None, Stop::Thread);
        let returned = std::thread::spawn(move || main.main_ended(Ended::Well));
        while run.cause().is_none() {
            std::hint::spin_loop();
        }
        assert!(run.tasks().is_empty());
        returned.join().expect("nothing panics");
    }
}
