//! The account as others may read it, in Redis or in a file.
//!
//! A copy of what the database has committed. The service never reads it back: Redis may return empty, or with old data.

use std::path::{Path, PathBuf};

use anyhow::Context;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;

use crate::account::Account;

const KEY: &str = "trading:account";

pub(crate) struct RedisManager {
    /// `None` once it is closed.
    store: Mutex<Option<Store>>,
}

enum Store {
    File(PathBuf),
    /// Connects on first use, and again after a failure.
    Redis(redis::Client, Option<MultiplexedConnection>),
}

impl RedisManager {
    pub(crate) fn new(server: Option<redis::Client>, folder: &Path) -> Self {
        let store = match server {
            Some(server) => Store::Redis(server, None),
            None => Store::File(folder.join("snapshot.json")),
        };
        Self { store: Mutex::new(Some(store)) }
    }

    /// Only warns if it fails: nothing in the service depends on it.
    pub(crate) async fn publish(&self, account: &Account) {
        let mut store = self.store.lock().await;
        let Some(store) = &mut *store else { return };
        if let Err(error) = store.write(account).await {
            tracing::warn!("cannot publish the account: {error:#}");
        }
    }

    #[lifecycle::component(order = 2, phase = "disconnect")]
    async fn close(&self) {
        drop(self.store.lock().await.take());
        tracing::info!("the snapshots are closed");
    }
}

impl Store {
    async fn write(&mut self, account: &Account) -> anyhow::Result<()> {
        let json = serde_json::to_string(account)?;
        match self {
            Store::File(path) => replace(path, &json)?,
            Store::Redis(server, connection) => {
                let mut open = match connection.take() {
                    Some(open) => open,
                    None => server.get_multiplexed_async_connection().await.context("cannot reach Redis")?,
                };
                open.set::<_, _, ()>(KEY, json).await?;
                *connection = Some(open);
            }
        }
        Ok(())
    }
}

/// Readers see the old text or the new one, never a part.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, path)
}
