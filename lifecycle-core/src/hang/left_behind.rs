//! Threads that outlive the runtime, each with the line of the program that it is in.

use std::time::Duration;

use super::{About, reporter};

/// Such as "thread 29623 `tokio-rt-worker`: blocking sleep in app::import at src/import.rs:12"; none where stacks cannot be
/// read in time.
pub(crate) fn threads_left_behind(timeout: Duration) -> Vec<String> {
    reporter::text(About::LeftBehind, timeout).map_or_else(Vec::new, |report| of_the_program(&report))
}

/// The threads of a report that have a frame of the program's; ours are none of them.
fn of_the_program(report: &str) -> Vec<String> {
    let mut threads = Vec::new();
    let mut head = None;
    for line in report.lines().skip_while(|line| *line != "threads:") {
        if let Some(thread) = line.strip_prefix("  thread ") {
            // `29623 `name`: blocking sleep, state S, …`.
            head = Some(thread.split(", state ").next().unwrap_or(thread));
        } else if let Some(frame) = line.strip_prefix("    > ") {
            threads.extend(head.take().map(|thread| format!("thread {thread} in {frame}")));
        }
    }
    threads.retain(|thread| !thread.contains("`lifecycle-") && !thread.contains("`main`"));
    threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_named_with_its_first_frame_of_the_program() {
        let report = "\
tasks:
  `main`: awaiting the shutdown in main_body at src/main.rs:234
    > app::main_body::{{closure}} at src/main.rs:234
threads:
  thread 29623 `tokio-rt-worker`: blocking sleep, state S, 0 % CPU, in hrtimer_nanosleep
      … 1 library frames
      std::thread::functions::sleep at library/std/src/thread/functions.rs:289
    > app::import at src/import.rs:12
    > app::caller at src/import.rs:40
  thread 7 `lifecycle-drop`: blocked, state S, 0 % CPU
    > app::Store::drop at src/store.rs:9
  6 without a frame of yours: app, main
end of the hang report";
        let expected = "thread 29623 `tokio-rt-worker`: blocking sleep in app::import at src/import.rs:12";
        assert_eq!(of_the_program(report), [expected]);
        assert!(of_the_program("no threads").is_empty());
    }
}
