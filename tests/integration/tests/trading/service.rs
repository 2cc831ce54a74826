//! The trading example as a child process, and its database from outside.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use lifecycle_tests::programs::program;
use lifecycle_tests::{Output, Service};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, FromRow};
use tempfile::TempDir;

use crate::audit;

pub(crate) fn trading(args: &[&str]) -> Service {
    trading_in(&folder(), args)
}

pub(crate) fn trading_in(folder: &Arc<TempDir>, args: &[&str]) -> Service {
    args.iter().fold(Service::inside(program("trading"), folder.clone()), Service::arg)
}

pub(crate) fn folder() -> Arc<TempDir> {
    Arc::new(TempDir::new().unwrap())
}

pub(crate) fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable}: run `./test`, which starts it"))
}

pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as i64
}

/// The number behind a label of the summary.
pub(crate) fn summary(ended: &Output, label: &str) -> i64 {
    let number =
        ended.stdout.lines().find_map(|line| line.trim().strip_prefix(label)?.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {label}: {}", ended.stdout))
}

pub(crate) struct Database {
    pub(crate) url: String,
    server: Option<String>,
}

impl Database {
    pub(crate) fn sqlite(folder: &Path) -> Database {
        Database { url: format!("sqlite://{}/trading-data/trading.db", folder.display()), server: None }
    }

    /// One that is there.
    pub(crate) fn at(url: &str) -> Database {
        Database { url: url.to_owned(), server: None }
    }

    /// A new one on the server of the tests.
    pub(crate) fn postgres() -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("trading_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = server("TEST_DATABASE_URL");
        let (host, _) = server.rsplit_once('/').unwrap();
        let url = format!("{host}/{name}");
        Database { url: server.clone(), server: None }.execute(&format!("CREATE DATABASE {name}"));
        Database { url, server: Some(server) }
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.rows::<(i64,)>(sql)[0].0
    }

    pub(crate) fn rows<T: for<'r> FromRow<'r, AnyRow> + Send + Unpin>(&self, sql: &str) -> Vec<T> {
        self.with(async |connection| {
            sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await.unwrap()
        })
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.with(async |connection| {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
        });
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&mut AnyConnection) -> T) -> T {
        sqlx::any::install_default_drivers();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = AnyConnection::connect(&self.url).await.unwrap();
            let result = work(&mut connection).await;
            connection.close().await.unwrap();
            result
        })
    }

    /// What holds at any moment, whatever ended the service.
    pub(crate) fn is_complete(&self) {
        self.has_none(&audit::ALWAYS);
    }

    /// What holds, beyond that, when every run ended in order.
    pub(crate) fn is_consistent(&self) {
        self.is_complete();
        self.has_none(&audit::AFTER_ORDERLY_RUNS);
    }

    fn has_none(&self, rules: &[(&str, &str)]) {
        for (rule, broken) in rules {
            assert_eq!(self.number(&format!("SELECT count(*) {broken}")), 0, "broken: {rule}");
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let (_, name) = self.url.rsplit_once('/').unwrap();
            Database { url: server, server: None }.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}
