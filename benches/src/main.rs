//! `cargo run --release -p lifecycle-bench`: every part, written to `RESULTS.md`; with letters (`-- b c`): those parts, printed.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    lifecycle_bench::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the measurements read /proc: run them on Linux");
}
