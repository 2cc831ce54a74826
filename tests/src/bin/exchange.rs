//! A bot that logs in at an exchange, at `EXCHANGE` with `KEY`, and says so. What the exchange answers decides about restarts:
//! a wrong key is permanent, and too many requests say themselves when to come back.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn log_in() -> anyhow::Result<()> {
    let (address, key) = (std::env::var("EXCHANGE")?, std::env::var("KEY")?);
    let mut connection = TcpStream::connect(&address).await?;
    let request =
        format!("POST /login HTTP/1.1\r\nhost: {address}\r\nx-key: {key}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    match answer.split(' ').nth(1).context("a status")? {
        "200" => Ok(()),
        "401" => Err(lifecycle::permanent(anyhow!("the exchange refuses the key")).into()),
        "429" => {
            let header = answer.lines().find_map(|line| line.strip_prefix("retry-after-ms: "));
            let wait = Duration::from_millis(header.context("a time")?.parse()?);
            Err(lifecycle::retry_after("too many requests", wait).into())
        }
        status => bail!("status {status}"),
    }
}

#[lifecycle::main]
async fn main() -> anyhow::Result<()> {
    log_in().await.context("logging in")?;
    if std::env::var_os("BUG").is_some() {
        bail!("index out of bounds");
    }
    println!("ready");
    lifecycle::ready();
    lifecycle::stopping().await;
    Ok(())
}
