//! Under a real systemd, started in namespaces of its own; skipped with a word where that cannot be.

use std::sync::{Mutex, PoisonError};

use lifecycle_tests::documents;
use lifecycle_tests::machine::Machine;

const NOTIFY: &str = env!("CARGO_BIN_EXE_notify");

/// One at a time: each is a small machine.
static ONE: Mutex<()> = Mutex::new(());

fn on_a_machine(test: impl FnOnce(&Machine)) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match Machine::boot(NOTIFY) {
        Ok(machine) => test(&machine),
        Err(why) => println!("skipped: {why}"),
    }
}

/// `start` returns when the service is up; a stop has the time that the budget needs, not that of the unit.
#[test]
fn a_life_is_seen_by_systemd() {
    on_a_machine(|machine| {
        machine.service("app", "notify slow-stop", "Type=notify\nWatchdogSec=1\nTimeoutStopSec=2");
        machine.run(["systemctl", "start", "app"]);
        assert_eq!(machine.show("app", "StatusText"), "running");
        // Three times what the watchdog allows.
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!(machine.show("app", "ActiveState"), "active", "{}", machine.journal());
        let stop = machine.start(["systemctl", "stop", "app"]);
        machine.wait_for("app", "StatusText", "stopping: SIGTERM");
        assert!(stop.wait_with_output().expect("a child of ours").status.success());
        assert_eq!(machine.show("app", "Result"), "success", "{}", machine.journal());
        assert!(machine.journal().contains("flushed"), "{}", machine.journal());
    });
}

#[test]
fn a_hang_is_a_failure_of_the_watchdog() {
    on_a_machine(|machine| {
        let limit = "Environment=LIFECYCLE_WATCHDOG_TIMEOUT=1s";
        machine.service("app", "notify hang", &format!("Type=notify\nWatchdogSec=20\n{limit}"));
        machine.run(["systemctl", "start", "app"]);
        machine.wait_for("app", "ActiveState", "failed");
        assert_eq!(machine.show("app", "Result"), "watchdog", "{}", machine.journal());
        assert!(machine.journal().contains("System Hang Detected"), "{}", machine.journal());
        // By its level; the report of the hang has none.
        let critical = machine.run(["journalctl", "-p", "crit", "-o", "cat", "-u", "app"]);
        assert_eq!(critical.lines().count(), 1, "{critical}");
        assert!(critical.starts_with("CRITICAL"), "{critical}");
    });
}

/// A start that waits longer than systemd gives it.
#[test]
fn a_wait_extends_the_start() {
    on_a_machine(|machine| {
        let rule = "Environment=LIFECYCLE_RESTART_MAX_CRASHES=0 LIFECYCLE_RESTART_WAIT=4s";
        machine.service("app", "notify crash", &format!("Type=notify\nTimeoutStartSec=2\n{rule}"));
        machine.run(["systemctl", "start", "app"]);
        machine.wait_for("app", "StatusText", "backing off: main runs again in 4s");
        let warnings = machine.run(["journalctl", "-p", "warning", "-o", "cat", "-u", "app"]);
        assert!(warnings.contains("WARN lifecycle: crash 1 within"), "{warnings}");
        machine.run(["systemctl", "kill", "-s", "KILL", "app"]);
        machine.wait_for("app", "ActiveState", "failed");
        machine.run(["systemctl", "reset-failed", "app"]);
        // The wait is due again before the first line of main.
        machine.run(["systemctl", "start", "app"]);
        assert_eq!(machine.show("app", "ActiveState"), "active", "{}", machine.journal());
    });
}

/// By order and by name; in each run of main, in each image, and over a stop and a start of the unit.
#[test]
fn activated_sockets_refuse_nobody() {
    on_a_machine(|machine| {
        for (name, port) in [("", 4001_u16), ("api", 4002)] {
            let unit = if name.is_empty() { "order".to_owned() } else { name.to_owned() };
            let named = if name.is_empty() { "" } else { "FileDescriptorName=api\n" };
            let socket = format!("[Socket]\nListenStream=127.0.0.1:{port}\n{named}");
            machine.write(&format!("/etc/systemd/system/{unit}.socket"), &socket);
            let environment = "Environment=LIFECYCLE_RESTART_MODE=exec LIFECYCLE_RESTART_MAX_CRASHES=1000";
            let environment =
                if name.is_empty() { environment.to_owned() } else { format!("{environment} NAME=api") };
            machine.service(&unit, "sockets crash 2 20 127.0.0.1:1", &environment);
            machine.run(["systemctl", "start", &format!("{unit}.socket")]);
            // Each second answer is a crash; each third one a stop and a start.
            for turn in 0..12 {
                if turn % 3 == 2 {
                    machine.run(["systemctl", "stop", &format!("{unit}.service")]);
                }
                let answer = machine.ask(port);
                assert!(answer.starts_with("run "), "{turn}: {answer}\n{}", machine.journal());
            }
            let pid = machine.show(&unit, "MainPID");
            assert!(machine.ask(port).contains(&format!("of pid {pid}")));
        }
    });
}

/// The store of descriptors: systemd holds what the service has bound itself.
#[test]
fn a_socket_outlives_a_sigkill() {
    on_a_machine(|machine| {
        let unit = "Type=notify\nFileDescriptorStoreMax=8\nRestart=always\nRestartSec=2";
        machine.service("app", "sockets crash 1 0 127.0.0.1:4003", unit);
        machine.run(["systemctl", "start", "app"]);
        assert!(machine.ask(4003).starts_with("run 1 "), "{}", machine.journal());
        for killed in 1..=2 {
            machine.run(["systemctl", "kill", "-s", "KILL", "app"]);
            machine.wait_for("app", "SubState", "auto-restart");
            // Nobody runs for two seconds, and nobody is refused.
            let answer = machine.ask(4003);
            assert!(answer.starts_with(&format!("run {} ", killed + 1)), "{answer}\n{}", machine.journal());
        }
        assert_eq!(machine.show("app", "NRestarts"), "2");
        assert!(!machine.journal().contains("bound anew"), "{}", machine.journal());
    });
}

#[test]
fn the_unit_files_are_right() {
    on_a_machine(|machine| {
        machine.run(["cp", "/bin/true", "/usr/local/bin/my-service"]);
        for unit in ["my-service.service", "my-service.socket"] {
            let text = std::fs::read_to_string(documents::root().join("deploy").join(unit)).expect("a file");
            machine.write(&format!("/etc/systemd/system/{unit}"), &text);
        }
        for unit in ["my-service.service", "my-service.socket"] {
            let verified = machine.run(["systemd-analyze", "verify", &format!("/etc/systemd/system/{unit}")]);
            assert!(!verified.contains("my-service"), "{verified}");
        }
        // As it is, with a program that says that it is up.
        machine.run(["cp", &format!("{}/notify", machine.programs()), "/usr/local/bin/my-service"]);
        machine.run(["systemctl", "daemon-reload"]);
        machine.run(["systemctl", "start", "my-service.service"]);
        machine.run(["systemctl", "kill", "-s", "QUIT", "my-service.service"]);
        machine.run(["systemctl", "stop", "my-service.service"]);
        let journal = machine.journal();
        assert_eq!(machine.show("my-service.service", "Result"), "success", "{journal}");
        assert!(journal.contains("everything stopped") && !journal.contains("WARN"), "{journal}");
    });
}
