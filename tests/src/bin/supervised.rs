//! A service for an init or a process supervisor. Each process adds its pid to the file `starts`; a stop adds `flushed`.
//!
//! `serve` serves; `flaky` fails in the first process and serves in the second; `permanent` cannot work as it is configured.

use std::io::Write;

fn add(line: &str) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open("starts").expect("a file");
    writeln!(file, "{line}").expect("written");
}

struct Journal;

impl Journal {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) {
        add("flushed");
    }
}

#[lifecycle::main(flavor = current_thread, restart = false)]
async fn main() -> anyhow::Result<()> {
    let _journal = lifecycle::manage(Journal);
    let first = !std::path::Path::new("starts").exists();
    add(&format!("pid {}", std::process::id()));
    match std::env::args().nth(1).as_deref() {
        Some("flaky") if first => anyhow::bail!("no route to host"),
        Some("permanent") => {
            Err(lifecycle::permanent(std::io::Error::other("the table `orders` does not exist")))?;
        }
        _ => {}
    }
    println!("up");
    lifecycle::stopping().await;
    Ok(())
}
