//! What README.md and docs/ show is what happens: each block of output is compared with a real run.
//! `UPDATE_DOCS=1 cargo test -p lifecycle-tests --test docs` writes those that differ anew. All are of debug builds.
#![cfg(debug_assertions)]

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use lifecycle_tests::documents::{self, check};
use lifecycle_tests::programs::program;
use lifecycle_tests::{Output, Running, Service};
use regex::Regex;
use tempfile::TempDir;

/// The runs that documents may show, one test each below.
const RUNS: [&str; 11] = [
    "hello",
    "stop",
    "late hook",
    "plan",
    "sigquit",
    "hang",
    "hang report",
    "deadlock",
    "crash loop",
    "ledger",
    "wrong variable",
];

#[test]
fn every_block_of_output_is_that_of_a_run() {
    for file in documents::documents() {
        for block in documents::blocks(&file) {
            let (file, language) = (block.file.display(), block.language.as_str());
            match block.run {
                Some(run) => assert!(RUNS.contains(&run.as_str()), "{file}: there is no run `{run}`"),
                None => {
                    let code = ["rust", "rust,no_run", "toml", "sh", "ini", "dockerfile", "yaml"];
                    assert!(code.contains(&language), "{file}: a block of {language:?} that no run checks");
                }
            }
        }
    }
}

#[test]
fn the_picture_is_drawn_by_its_example() {
    let drawn = example("timeline").run().expect_code(0).stdout;
    let picture = documents::root().join("docs/shutdown.svg");
    let measured = Regex::new(r"\d+(\.\d+)?").unwrap();
    let without = |svg: &str| measured.replace_all(svg, "N").into_owned();
    let shown = fs::read_to_string(&picture).unwrap();
    if without(&shown) == without(&drawn) {
        return;
    }
    assert!(std::env::var_os("UPDATE_DOCS").is_some(), "not what the example draws:\n{drawn}");
    fs::write(picture, drawn).unwrap();
}

#[test]
fn hello() {
    check(|| {
        let service = greeted_twice();
        service.signal(libc::SIGINT);
        vec![("hello", without_plan(&service.wait().expect_code(0).stdout))]
    });
}

#[test]
#[cfg(feature = "stacks")]
fn sigquit() {
    check(|| {
        let mut service = greeted_twice();
        // It says hello right before it sleeps.
        sleep(Duration::from_millis(100));
        service.signal(libc::SIGQUIT);
        service.line("end of the hang report");
        service.signal(libc::SIGTERM);
        vec![("sigquit", service.wait().expect_code(0).stderr)]
    });
}

#[test]
fn stop() {
    check(|| {
        let mut service = trading(&[]).start();
        service.line("day 1:");
        service.signal(libc::SIGINT);
        vec![("stop", ours(&service.wait().expect_code(0)))]
    });
}

#[test]
fn a_late_hook() {
    // A later hook is patient, so that the process lives until the late one's report is written.
    check(|| {
        let hooks = Service::new(env!("CARGO_BIN_EXE_hooks")).args(["never", "patient", "subscriber"]);
        let quiet =
            hooks.env("RUST_LOG", "info").env("LIFECYCLE_RESTART", "off").env("LIFECYCLE_WATCHDOG", "off");
        let mut service = quiet.start();
        service.line("up");
        service.signal(libc::SIGTERM);
        vec![("late hook", ours(&service.wait().expect_code(1)))]
    });
}

#[test]
fn plan() {
    check(|| vec![("plan", trading(&[]).env("LIFECYCLE_PLAN", "1").run().expect_code(0).stdout)]);
}

#[test]
#[cfg(feature = "stacks")]
fn hang() {
    check(|| {
        let hangs = trading(&["--hang-after", "5"]).env("LIFECYCLE_WATCHDOG_TIMEOUT", "4s");
        let output = ours(&hangs.run().expect_code(1));
        let (begin, end) =
            (output.find("CRITICAL").expect("a verdict"), output.rfind("build id").expect("an end"));
        let report = output[begin..end].to_owned();
        vec![("hang", output), ("hang report", report)]
    });
}

/// The two threads are named in the order of their ids, which is by chance.
#[test]
#[cfg(feature = "stacks")]
fn deadlock() {
    check(|| {
        let service = Service::new(env!("CARGO_BIN_EXE_matrix")).arg("abba");
        let service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "4s").env("LIFECYCLE_RESTART", "off");
        let output = service.run().expect_code(1);
        let (_, report) = output.stderr.split_once("CRITICAL").expect("a CRITICAL line");
        let mut suspects: Vec<&str> =
            report.lines().filter(|line| line.starts_with("SUSPECT thread")).collect();
        suspects.sort_by_key(|line| line.find("credit").is_none());
        suspects.extend(report.lines().filter(|line| line.contains("a cycle")));
        vec![("deadlock", suspects.join("\n"))]
    });
}

#[test]
fn a_crash_loop() {
    check(|| {
        let folder = Arc::new(TempDir::new().unwrap());
        let mut killed = trading_in(&folder, &[]).start();
        killed.line("day 1:");
        sleep(Duration::from_secs(1));
        killed.signal(libc::SIGKILL);
        let _ = killed.wait().expect_code(128 + libc::SIGKILL);

        let mut service = trading_in(&folder, &["--crash-after", "3"]).start();
        service.line("crash 4");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        let history = Service::inside(program("restarts"), folder).run().expect_code(0);
        vec![("crash loop", ours(&output)), ("ledger", history.stdout)]
    });
}

#[test]
fn a_wrong_variable() {
    check(|| vec![("wrong variable", trading(&[]).env("LIFECYCLE_DRAIN", "5").run().expect_code(78).stderr)]);
}

/// `hello`, which has said it twice and has logged its plan, in whatever order: the plan says `hello.rs`.
fn greeted_twice() -> Running {
    let mut service = example("hello").start();
    for _ in 0..3 {
        service.line("hello");
    }
    service
}

fn trading(args: &[&str]) -> Service {
    trading_in(&Arc::new(TempDir::new().unwrap()), args)
}

fn trading_in(folder: &Arc<TempDir>, args: &[&str]) -> Service {
    let service = Service::inside(program("trading"), folder.clone()).env("TOKIO_WORKER_THREADS", "2");
    args.iter().fold(service, Service::arg)
}

fn example(name: &str) -> Service {
    // With this variable unset a subscriber shows errors only, if any package of the build asks for its filters.
    Service::new(program(name)).env("TOKIO_WORKER_THREADS", "2").env("RUST_LOG", "info")
}

/// What `lifecycle` wrote to stderr, without what the service itself logs.
fn ours(output: &Output) -> String {
    let own = |line: &&str| !line.contains(" INFO trading") && !line.contains(" WARN trading");
    let stderr = output.stderr.replace(&format!("{}/", output.folder.path().display()), "");
    without_plan(&stderr).lines().filter(own).map(|line| format!("{line}\n")).collect()
}

/// Without the plan, which is logged when the service is up or stops, so it may stand before or after other lines; and
/// without the colours that a subscriber adds.
fn without_plan(text: &str) -> String {
    let plain = Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(text, "").into_owned();
    Regex::new(
        "[^\n]* INFO lifecycle: (shutdown plan: |[^\n]*  at most |until the drain: |grant at least )[^\n]*\n",
    )
    .unwrap()
    .replace_all(&plain, "")
    .into_owned()
}
