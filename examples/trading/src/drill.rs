//! The whole service under the test kit, with its socket and its database: stopped at each of its polls, and with every fault
//! of every hook. Whatever happened, the database keeps its promises, and the next run goes on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use clap::Parser;
use lifecycle::Report;
use lifecycle::test::{Fault, Service};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, query_scalar};
use tempfile::TempDir;

use crate::{Args, audit, database, exchange, trade};

static EXCHANGE: LazyLock<String> = LazyLock::new(|| {
    let service = exchange::Service {
        pace: Duration::from_millis(1),
        ping: Duration::from_secs(1),
        mute_after: None,
        max_logins: None,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    format!("ws://{}", exchange::open(address, service).expect("an exchange"))
});

/// Trades 12 days a run, and goes on where the run before ended.
fn service(folder: &TempDir) -> Service {
    let folder = folder.path().to_str().expect("a path of ASCII").to_owned();
    let app = move || {
        let args = Args::parse_from(["trading", "--days", "12", "--tick", "1ms", "--data-dir", &folder]);
        async move { trade(&args, &EXCHANGE).await.map(drop) }
    };
    Service::new(app).real_time().stop_after(Duration::from_secs(10)).shutdown_timeout(Duration::from_secs(2))
}

/// Asked from a thread of its own: it waits, and a check of the kit cannot.
fn number(folder: &TempDir, sql: &str) -> i64 {
    let url = database::sqlite(&PathBuf::from(folder.path()));
    let sql = sql.to_owned();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let number = runtime.block_on(async {
            let mut connection = AnyConnection::connect(&url).await?;
            let number = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<i64, sqlx::Error>(number)
        });
        sender.send(number)
    });
    receiver.recv().expect("an answer").expect("a number")
}

fn keeps_its_promises(folder: &TempDir, report: &Report) {
    keeps(folder, &audit::ALWAYS, report);
}

fn keeps(folder: &TempDir, rules: &[(&str, &str)], report: &Report) {
    for (rule, broken) in rules {
        assert_eq!(number(folder, &format!("SELECT count(*) {broken}")), 0, "broken: {rule}\n{report}");
    }
}

#[tokio::test]
async fn stopped_at_any_poll_it_loses_nothing() {
    let folder = TempDir::new().expect("a folder");
    let report = service(&folder).run().await;
    keeps(&folder, &audit::AFTER_ORDERLY_RUNS, &report);
    let reports = service(&folder)
        .at_every_poll(|report| {
            assert!(report.is_success(), "{report}");
            keeps_its_promises(&folder, report);
        })
        .run()
        .await;
    assert!(reports.len() > 20, "{} polls", reports.len());
}

#[tokio::test]
async fn whichever_hook_fails_nothing_is_lost() {
    for fault in [Fault::Hang, Fault::Fail, Fault::Panic] {
        let folder = TempDir::new().expect("a folder");
        let reports = service(&folder)
            .each_hook(fault)
            .check(|report| {
                assert!(!report.is_success(), "{report}");
                keeps_its_promises(&folder, report);
            })
            .run()
            .await;
        assert_eq!(reports.len(), 5, "{fault:?}");
        let before = number(&folder, "SELECT count(*) FROM ticks");
        let report = service(&folder).run().await;
        assert!(report.is_success(), "{report}");
        keeps_its_promises(&folder, &report);
        assert_eq!(number(&folder, "SELECT count(*) FROM ticks"), before + 12, "{fault:?}");
    }
}
