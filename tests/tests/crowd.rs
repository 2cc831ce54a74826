//! However many hooks of a step block, of whatever kind and flavor: each later hook is called in its time.

use std::time::{Duration, Instant};

use lifecycle_tests::Service;

const FLAVORS: [&str; 3] = ["current-thread", "one-worker", "two-workers"];

/// For three threads of the process's own and the machine's noise.
const GRACE: Duration = Duration::from_secs(3);

fn stopped(flavor: &str, kind: &str, how: &str, count: u32) {
    let budget = Duration::from_secs(8);
    let mut service = Service::new(env!("CARGO_BIN_EXE_crowd"))
        .arg(flavor)
        .arg(kind)
        .arg(how)
        .arg(count.to_string())
        .env("LIFECYCLE_SHUTDOWN_TIMEOUT", format!("{}ms", budget.as_millis()))
        .start();
    service.line("up");
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let output = service.wait();
    let shown = format!("{flavor} {kind} {how} {count}: {:?} {output:#?}", sent.elapsed());
    assert_eq!(output.code, 1, "{shown}");
    assert!(sent.elapsed() < budget + GRACE, "{shown}");
    assert!(output.stderr.contains("TIMED OUT"), "{shown}");
    for line in ["neighbour", "flushed", "written", "closed"] {
        assert_eq!(output.stdout.matches(line).count(), 1, "{line}: {shown}");
    }
}

#[test]
fn hooks_that_block_on_one_lock_starve_no_later_hook() {
    for flavor in FLAVORS {
        for count in [1, 2, 3, 4, 20] {
            stopped(flavor, "async", "lock", count);
        }
    }
}

#[test]
fn hooks_that_block_after_an_await_starve_no_later_hook() {
    for flavor in FLAVORS {
        for count in [1, 2, 4, 20] {
            stopped(flavor, "later", "sleep", count);
        }
    }
}

#[test]
fn plain_hooks_that_hang_starve_no_later_hook() {
    for flavor in FLAVORS {
        for count in [1, 20, 600] {
            stopped(flavor, "plain", "sleep", count);
        }
    }
}

#[test]
fn a_full_blocking_pool_starves_no_later_hook() {
    for flavor in FLAVORS {
        for count in [20, 600] {
            stopped(flavor, "pool", "sleep", count);
        }
    }
}

#[test]
fn hundreds_of_async_hooks_that_block_starve_no_later_hook() {
    for flavor in FLAVORS {
        stopped(flavor, "async", "sleep", 600);
    }
}

#[test]
fn hooks_that_spin_starve_no_later_hook() {
    for flavor in FLAVORS {
        stopped(flavor, "async", "spin", 4);
    }
}
