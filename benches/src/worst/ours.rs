//! `lifecycle`, as its README says.

use std::process::ExitCode;

use super::trouble::{Database, Feed, Trouble};

#[lifecycle::main(shutdown_timeout = "2s", drain = "500ms", worker_threads = 2)]
async fn main() {
    super::log();
    let trouble = Trouble::asked();
    for _ in 0..trouble.feeds() {
        lifecycle::manage(Feed(trouble));
    }
    lifecycle::manage(Database);
    println!("up");
    std::future::pending::<()>().await;
}

pub(super) fn run() -> ExitCode {
    main()
}
