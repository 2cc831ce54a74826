//! As PID 1 a service reaps what it inherits, and nothing else.

use std::process::Command;

use lifecycle_tests::Service;

#[test]
fn orphans_are_reaped_and_children_of_its_own_are_not() {
    let namespace = ["--pid", "--fork", "--mount-proc"];
    let allowed = Command::new("unshare").args(namespace).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: no namespace of processes may be made here");
        return;
    }
    let services: Vec<_> = ["on", "off"]
        .into_iter()
        .map(|watchdog| {
            let service = Service::new("unshare").args(namespace).arg(env!("CARGO_BIN_EXE_orphans"));
            service.env("LIFECYCLE_RESTART", "off").env("LIFECYCLE_WATCHDOG", watchdog).start()
        })
        .collect();
    for service in services {
        let output = service.wait().expect_code(0);
        let lines = output.lines();
        // Ten orphans and three children of its own.
        let expected = ["pid 1", "early zombies 13", "late zombies 3", "codes [Some(7), Some(7)] Some(8)"];
        assert_eq!(lines, expected, "{}", output.stderr);
    }
}
