//! The last state of the service, in Redis or in an embedded `redb` file: what a restart goes on from.

use std::path::Path;

use anyhow::Context;
use redb::{ReadableDatabase, TableDefinition};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

const TABLE: TableDefinition<&str, &str> = TableDefinition::new("snapshots");
const KEY: &str = "trading:account";

pub(crate) struct RedisManager {
    /// `None` once it is closed: a handle that lived on would keep the file locked, and the next run out.
    store: Mutex<Option<Store>>,
}

enum Store {
    Embedded(redb::Database),
    Redis(MultiplexedConnection),
}

impl RedisManager {
    pub(crate) async fn connect(server: &redis::Client) -> anyhow::Result<Self> {
        let connection = server.get_multiplexed_async_connection().await.context("cannot reach Redis")?;
        Ok(Self { store: Mutex::new(Some(Store::Redis(connection))) })
    }

    pub(crate) fn embedded(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("snapshots.redb");
        let database = redb::Database::create(&path).with_context(|| {
            format!("cannot open {} (is another service using this folder?)", path.display())
        })?;
        Ok(Self { store: Mutex::new(Some(Store::Embedded(database))) })
    }

    pub(crate) async fn load<T: DeserializeOwned>(&self) -> anyhow::Result<Option<T>> {
        let json = match self.store.lock().await.as_mut().context("closed")? {
            Store::Embedded(database) => read(database)?,
            Store::Redis(connection) => connection.get(KEY).await?,
        };
        json.map(|json: String| serde_json::from_str(&json))
            .transpose()
            .context("the snapshot is not readable")
    }

    pub(crate) async fn save<T: Serialize>(&self, state: &T) -> anyhow::Result<()> {
        let json = serde_json::to_string(state)?;
        match self.store.lock().await.as_mut().context("closed")? {
            Store::Embedded(database) => write(database, &json)?,
            Store::Redis(connection) => connection.set(KEY, json).await?,
        }
        Ok(())
    }

    #[lifecycle::component(order = 2, phase = "disconnect")]
    async fn close(&self) {
        drop(self.store.lock().await.take());
        tracing::info!("the snapshots are closed");
    }
}

fn read(database: &redb::Database) -> Result<Option<String>, redb::Error> {
    let table = match database.begin_read()?.open_table(TABLE) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table?,
    };
    Ok(table.get(KEY)?.map(|json| json.value().to_owned()))
}

/// Blocks for a commit of a kilobyte: about as long as moving it to another thread would take.
fn write(database: &redb::Database, json: &str) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(TABLE)?.insert(KEY, json)?;
    Ok(transaction.commit()?)
}
