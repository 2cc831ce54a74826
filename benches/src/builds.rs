//! Part f: what a hello world costs to build from nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::table::{Table, at_most, number};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const TOKIO: &str =
    r#"tokio = { version = "1", features = ["macros", "rt-multi-thread", "signal", "time"] }"#;

/// Why ours takes so long.
const READERS: &str = "A third is the core, a third what reads debug information \
                       (`object`, `gimli`, `backtrace`), which the feature `stacks` brings";

struct Hello {
    title: &'static str,
    /// Beside tokio; ours needs none of its own.
    dependencies: &'static str,
    main: &'static str,
}

const HELLOS: [Hello; 5] = [
    Hello { title: "plain tokio", dependencies: "", main: include_str!("builds/tokio.txt") },
    Hello { title: "**lifecycle**", dependencies: "lifecycle", main: include_str!("builds/lifecycle.txt") },
    Hello {
        title: "TaskTracker",
        dependencies: r#"tokio-util = { version = "0.7", features = ["rt"] }"#,
        main: include_str!("builds/tracker.txt"),
    },
    Hello {
        title: "tokio-graceful",
        dependencies: r#"tokio-graceful = "0.2""#,
        main: include_str!("builds/graceful.txt"),
    },
    Hello {
        title: "tokio-graceful-shutdown",
        dependencies: "miette = \"7\"\ntokio-graceful-shutdown = \"0.20\"",
        main: include_str!("builds/graceful_shutdown.txt"),
    },
];

/// Seconds by the clock and by the processors, crates without the hello world itself.
struct Built {
    seconds: f64,
    cpu: f64,
    crates: usize,
}

fn build(hello: &Hello) -> Result<Built, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    write(hello, folder.path()).map_err(|error| error.to_string())?;
    let before = children_cpu();
    let begun = Instant::now();
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--offline", "--target-dir", "target"])
        .current_dir(folder.path())
        .output()
        .map_err(|error| error.to_string())?;
    let seconds = begun.elapsed().as_secs_f64();
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: {log}", hello.title));
    }
    let crates = log.lines().filter(|line| line.trim_start().starts_with("Compiling")).count() - 1;
    Ok(Built { seconds, cpu: (children_cpu() - before).as_secs_f64(), crates })
}

/// The workspace's lock file, so that everybody builds the same versions, which are here already.
fn write(hello: &Hello, folder: &Path) -> std::io::Result<()> {
    let dependencies = match hello.dependencies {
        "lifecycle" => format!("lifecycle = {{ package = \"lifecycle-manager\", path = {ROOT:?} }}"),
        others => format!("{TOKIO}\n{others}"),
    };
    let package = "[package]\nname = \"hello\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), format!("{package}\n[dependencies]\n{dependencies}\n"))?;
    fs::copy(format!("{ROOT}/Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/main.rs"), hello.main)
}

/// User and system time of every child that has ended, theirs included.
fn children_cpu() -> Duration {
    // SAFETY: all zeroes are a valid rusage, which the call fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

pub(crate) fn section() -> String {
    let mut table =
        Table::new(["hello world", "crates", "cold build, s", "CPU time, s", "CPU / plain tokio"]);
    let (mut plain, mut ours) = (None, 0.0);
    for hello in &HELLOS {
        match build(hello) {
            Ok(built) => {
                let plain = *plain.get_or_insert(built.cpu);
                if hello.dependencies == "lifecycle" {
                    ours = built.cpu / plain;
                }
                let numbers = [built.seconds, built.cpu, built.cpu / plain].map(number);
                let mut row = vec![hello.title.to_owned(), built.crates.to_string()];
                row.extend(numbers);
                table.row(&row);
            }
            Err(error) => {
                eprintln!("{error}");
                table.row(&[
                    hello.title.to_owned(),
                    "does not build".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                ]);
            }
        }
    }
    format!(
        "## f. Cold build\n\n\
         `cargo build` (debug, {} jobs, no network) of a package of its own, once, with an empty target folder; the crates \
         that were compiled besides it. The CPU time is less disturbed by what else the machine does.\n\n{table}\n\
         {}",
        std::thread::available_parallelism().map_or(1, usize::from),
        at_most("CPU time, of plain tokio's", 2.0, if ours > 0.0 { ours } else { f64::INFINITY }, READERS),
    )
}
