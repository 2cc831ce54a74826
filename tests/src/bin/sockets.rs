//! A service that answers connections one after the other, so that all it has accepted is answered when it crashes or hangs.
//!
//! Arguments: what ends a run (`crash`, `hang`, `panic`), after how many answers, how many runs end so, and the address, which
//! may be a Unix socket: `unix:app.sock`, with `MODE` of this mode.
//! With `NAME` its socket has a name; with `MORE` it listens on that address, too. `LISTEN=itself` takes systemd's socket
//! without `lifecycle`.

use std::io::Write;
use std::os::fd::FromRawFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};

fn argument(index: usize) -> String {
    std::env::args().nth(index).unwrap_or_default()
}

fn number(index: usize) -> u64 {
    argument(index).parse().expect("a number")
}

/// The number of this run: the file has a byte for each.
fn run_of_process() -> u64 {
    let mut runs = std::fs::OpenOptions::new().create(true).append(true).open("runs").expect("a file");
    runs.write_all(b".").expect("written");
    runs.metadata().expect("its length").len()
}

async fn listen(address: &str) -> std::io::Result<TcpListener> {
    if std::env::var("LISTEN").is_ok_and(|who| who == "itself") {
        assert_eq!(std::env::var("LISTEN_PID"), Ok(std::process::id().to_string()));
        assert_eq!(std::env::var("LISTEN_FDS"), Ok("1".into()));
        // SAFETY: what `LISTEN_FDS` says is this process's to take.
        let passed = unsafe { std::net::TcpListener::from_raw_fd(3) };
        passed.set_nonblocking(true)?;
        return TcpListener::from_std(passed);
    }
    match std::env::var("NAME") {
        Ok(name) => lifecycle::listen_named(&name, address).await,
        Err(_) => lifecycle::listen(address).await,
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

impl Listener {
    async fn open(address: &str) -> std::io::Result<Listener> {
        let Some(path) = address.strip_prefix("unix:") else {
            return listen(address).await.map(Listener::Tcp);
        };
        let mut options = lifecycle::ListenOptions::new();
        if let Ok(name) = std::env::var("NAME") {
            options = options.name(name);
        }
        if let Ok(mode) = std::env::var("MODE") {
            options = options.mode(u32::from_str_radix(&mode, 8).expect("a mode"));
        }
        options.listen_unix(path).await.map(Listener::Unix)
    }

    fn address(&self) -> std::io::Result<String> {
        match self {
            Listener::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Listener::Unix(listener) => Ok(format!("{:?}", listener.local_addr()?.as_pathname())),
        }
    }

    async fn accept(&self) -> std::io::Result<Box<dyn Connection>> {
        Ok(match self {
            Listener::Tcp(listener) => Box::new(listener.accept().await?.0),
            Listener::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

async fn answer(connection: Box<dyn Connection>, run: u64) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    connection.read_line(&mut String::new()).await?;
    connection.write_all(format!("run {run} of pid {}\n", std::process::id()).as_bytes()).await?;
    connection.shutdown().await
}

#[lifecycle::main(flavor = current_thread)]
async fn main() -> std::io::Result<()> {
    let run = run_of_process();
    // The folder's file says where to listen, if it is there: a configuration that changes.
    let address = std::fs::read_to_string("address").unwrap_or_else(|_| argument(4));
    let listener = match std::env::var("LATE") {
        Ok(_) if run > 1 => {
            lifecycle::ready();
            lifecycle::stopping().await;
            return Ok(());
        }
        _ => Listener::open(&address).await?,
    };
    if let Ok(more) = std::env::var("MORE") {
        let second = lifecycle::listen(&more).await?;
        println!("run {run} also at {}", second.local_addr()?);
        std::mem::forget(second);
    }
    println!("run {run} of pid {} at {}", std::process::id(), listener.address()?);
    let inherited = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output()?;
    println!("a child has {} sockets", String::from_utf8_lossy(&inherited.stdout).matches("socket:").count());
    println!("{}", lifecycle::status());
    let mut answered = 0;
    while run > number(3) || answered < number(2) {
        let connection = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = lifecycle::stopping() => return Ok(()),
        };
        answer(connection, run).await?;
        answered += 1;
    }
    match argument(1).as_str() {
        "crash" => Err(std::io::Error::other(format!("run {run} failed"))),
        "hang" => {
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        other => panic!("{other}"),
    }
}
