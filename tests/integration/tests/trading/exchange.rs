//! What the exchange answers decides about the next try.

use std::time::{Duration, Instant};

use lifecycle_tests::ledger;

use crate::service::{folder, trading, trading_in};

#[test]
fn a_wrong_key_is_not_tried_again() {
    let folder = folder();
    let options = ["--api-key", "stolen", "--days", "5", "--tick", "2ms"];
    let refused = trading_in(&folder, &options).run().expect_code(78);
    assert!(refused.stderr.contains("it does not know our key"), "{}", refused.stderr);
    assert_eq!(refused.stderr.matches("401 Unauthorized").count(), 1, "one login: {}", refused.stderr);
    // Unchanged, it waits before it tries; with another key it starts at once.
    let mut unchanged = trading_in(&folder, &options).start();
    unchanged.line("waiting 300s");
    unchanged.signal(libc::SIGINT);
    let waited = unchanged.wait().expect_code(0);
    assert!(!waited.stderr.contains("401"), "{}", waited.stderr);
    let _changed = trading_in(&folder, &["--days", "5", "--tick", "2ms"]).run().expect_code(0);
}

#[test]
fn who_is_told_to_wait_waits() {
    let mut service = trading(&["--max-logins", "1", "--crash-after", "3", "--tick", "2ms"]).start();
    // The second login is one too many: its run fails with what the exchange asks for.
    service.line("asked for no retry within");
    let told = Instant::now();
    service.line("crashed at tick 3");
    assert!(told.elapsed() >= Duration::from_millis(1900), "{:?}", told.elapsed());
    service.signal(libc::SIGINT);
    let output = service.wait();
    let refused = output.stderr.matches("429 Too Many Requests").count();
    assert!(refused >= 1 && ledger::crashes(output.folder.path()) >= 2, "{}", output.stderr);
}
