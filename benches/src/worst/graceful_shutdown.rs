//! tokio-graceful-shutdown with an order, as its example `20_orchestrated_shutdown_order` says.

use std::process::{ExitCode, Termination};

use miette::{Report, Result};
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

use super::trouble::{Database, Feed, Trouble};

async fn feed(trouble: Trouble, subsys: &mut SubsystemHandle) -> Result<()> {
    let feed = Feed(trouble);
    subsys.on_shutdown_requested().await;
    feed.close().await.map_err(Report::msg)
}

async fn database(subsys: &mut SubsystemHandle) -> Result<()> {
    subsys.on_shutdown_requested().await;
    Database.close().await;
    Ok(())
}

async fn parent(subsys: &mut SubsystemHandle) -> Result<()> {
    let trouble = Trouble::asked();
    let feeds: Vec<_> = (0..trouble.feeds())
        .map(|_| {
            let feed = async move |s: &mut SubsystemHandle| feed(trouble, s).await;
            subsys.start(SubsystemBuilder::new("feed", feed).detached())
        })
        .collect();
    let database = subsys.start(SubsystemBuilder::new("database", database).detached());
    println!("up");
    subsys.on_shutdown_requested().await;
    for feed in &feeds {
        feed.initiate_shutdown();
    }
    for feed in &feeds {
        feed.join().await?;
    }
    database.initiate_shutdown();
    database.join().await?;
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    super::log();
    Toplevel::new(async |s: &mut SubsystemHandle| {
        s.start(SubsystemBuilder::new("parent", parent));
    })
    .catch_signals()
    .handle_shutdown_requests(super::BUDGET)
    .await
    .map_err(Into::into)
}

pub(super) fn run() -> ExitCode {
    main().report()
}
