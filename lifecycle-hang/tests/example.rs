//! The example names the line where it hangs.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = include_str!("../examples/where_it_hangs.rs");

#[test]
fn a_watchdog_without_the_runtime_names_the_line() {
    // Cargo builds examples before tests, into the folder beside theirs.
    let test = std::env::current_exe().expect("we run");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>");
    let output = Command::new(folder.join("examples/where_it_hangs")).output().expect("it was built");
    let report = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{report}");
    let line = SOURCE.lines().position(|line| line.ends_with("// It hangs here.")).expect("marked") + 1;
    let place = format!("blocked on a Mutex in transfer at lifecycle-hang/examples/where_it_hangs.rs:{line}");
    let suspect = |text: &str| text.starts_with("SUSPECT thread") && text.contains(&place);
    assert!(report.lines().any(suspect), "no {place:?} in\n{report}");
}
