//! A small HTTP service that ends, by the argument, when `/end` is asked for.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use lifecycle::Heartbeat;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What a request takes.
pub(super) const WORK: Duration = Duration::from_millis(5);

static ARGUMENTS: OnceLock<Arguments> = OnceLock::new();
static END: Notify = Notify::const_new();

/// A stuck loop is found after so long.
static ACCEPTS: Heartbeat = Heartbeat::new("accept", Duration::from_millis(500));

struct Arguments {
    how: String,
    socket: String,
    address: SocketAddr,
}

pub(super) fn run(how: &str, socket: &str, address: &str) -> ExitCode {
    let address = address.parse().expect("an address");
    let arguments = Arguments { how: how.to_owned(), socket: socket.to_owned(), address };
    assert!(ARGUMENTS.set(arguments).is_ok(), "set once");
    main()
}

#[lifecycle::main(worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let arguments = ARGUMENTS.get().expect("set before");
    // Neither the pid nor a counter tells images of one process apart.
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let listener = match arguments.socket.as_str() {
        "listen" => lifecycle::listen(arguments.address).await?,
        _ => TcpListener::bind(arguments.address).await?,
    };
    println!("up");
    loop {
        let connection = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = lifecycle::stopping() => return Ok(()),
            () = END.notified() => break,
        };
        ACCEPTS.beat();
        lifecycle::spawn("connection", serve(connection, begun));
    }
    if arguments.how != "hang" {
        return Err(std::io::Error::other("the end was asked for"));
    }
    // What it has accepted is answered; the rest waits in the queue of the socket.
    tokio::time::sleep(2 * WORK).await;
    std::thread::sleep(Duration::from_secs(3600));
    Ok(())
}

/// One request after the other; a connection between two requests is closed by a stop.
async fn serve(mut connection: TcpStream, begun: u128) {
    let mut request = Vec::new();
    loop {
        request.clear();
        while !request.ends_with(b"\r\n\r\n") {
            let read = tokio::select! {
                biased;
                read = connection.read_buf(&mut request) => read,
                () = lifecycle::stopping(), if request.is_empty() => return,
            };
            if !read.is_ok_and(|count| count > 0) {
                return;
            }
        }
        let request = String::from_utf8_lossy(&request);
        tokio::time::sleep(WORK).await;
        let instance = format!("{}.{begun}", std::process::id());
        let is_last = request.contains("Connection: close") || !lifecycle::is_running();
        let close = if is_last { "Connection: close\r\n" } else { "" };
        let answer =
            format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {}\r\n\r\n{instance}", instance.len());
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if request.starts_with("GET /end ") {
            END.notify_one();
        }
        if is_last {
            // A socket that is closed with something unread in it is reset.
            let _ = connection.shutdown().await;
            let _ = connection.read(&mut [0]).await;
            return;
        }
    }
}
