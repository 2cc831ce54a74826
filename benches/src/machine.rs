//! Head and foot of the results: on what, and how busy it was.

use std::fs::read_to_string;
use std::process::Command;
use std::time::SystemTime;

pub(crate) fn head() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("-V").output().map(|output| output.stdout).unwrap_or_default();
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    format!(
        "# Results\n\n\
         Written by `cargo run --release -p lifecycle-bench` on {}: {cores} cores ({}), Linux {}, {}, 2 workers.\n\
         Load average before: {}. Medians; trust ratios of 2 and more, unless a target asks for less.\n\
         A peer's row is what its documentation tells a user to write. Versions: tokio-graceful-shutdown 0.20, \
         tokio-graceful 0.2, tokio-util 0.7.\n\n",
        &date[..10],
        processor(),
        kernel.trim(),
        String::from_utf8_lossy(&rustc).trim(),
        load(),
    )
}

pub(crate) fn foot() -> String {
    format!("Load average after: {}.\n", load())
}

fn processor() -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

/// Over the last minute.
fn load() -> String {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
