//! What a service crashed of, for its operator: `cargo run --example restarts -- [FILE]`, by default `.restart_count`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let file = std::env::args().nth(1).unwrap_or_else(|| ".restart_count".to_owned());
    match lifecycle::ledger::read(&file) {
        Ok(history) => {
            print!("{history}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
