//! What somebody does with the crate on the first day; the argument picks it.

use std::error::Error;
use std::fmt;

struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self) {
        println!("closed");
    }
}

/// Has no hook.
struct Cache;

/// Says its cause itself.
#[derive(Debug)]
struct Unreadable(std::io::Error);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot load the book: {}", self.0)
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn unreadable() -> anyhow::Error {
    anyhow::Error::new(Unreadable(std::io::Error::other("disk on fire"))).context("no prices")
}

/// No name server is asked for one that is so long.
fn no_host() -> String {
    "x".repeat(70)
}

async fn listens() -> anyhow::Result<()> {
    let taken = lifecycle::listen("127.0.0.1:0").await?.local_addr()?;
    println!("taken {taken}");
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("other {}", other.local_addr()?);
    for address in [other.local_addr()?.to_string(), format!("{}:80", no_host()), "8080".to_owned()] {
        if let Err(error) = lifecycle::listen(address.as_str()).await {
            println!("{address} fails: {error}");
        }
    }
    if let Err(error) = lifecycle::listen((no_host(), 81)).await {
        println!("pair fails: {error}");
    }
    Ok(())
}

#[lifecycle::main(drain = "2s")]
async fn main() -> anyhow::Result<()> {
    println!("up");
    match std::env::args().nth(1).as_deref() {
        Some("help") => std::process::exit(0),
        Some("usage") => std::process::exit(2),
        Some("unmanageable") => drop(lifecycle::manage(Cache)),
        // The program catches it, and fails for another reason.
        Some("unmanageable-caught") => {
            assert!(std::panic::catch_unwind(|| lifecycle::manage(Cache)).is_err());
            anyhow::bail!("another reason");
        }
        Some("unmanageable-task") => drop(lifecycle::spawn("feed", async {
            lifecycle::manage(Cache);
        })),
        Some("fails") => return Err(unreadable()),
        Some("fails-flat") => anyhow::bail!("{:#}", unreadable()),
        Some("task-fails") => drop(lifecycle::spawn("feed", async { Err::<(), _>(unreadable()) })),
        Some("listens") => return listens().await,
        _ => {}
    }
    let _store = lifecycle::manage(Store);
    println!("managed");
    lifecycle::stopping().await;
    Ok(())
}
