//! The server: few connections, each for a short time, so that whoever keeps them open keeps nobody else out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::AbortHandle;

use super::Source;
use super::answers::answer;
use super::listener::{Listener, Stream};
use crate::config::probes::Probes;
use crate::model::error::ConfigError;
use crate::os::thread;

/// Where one more comes, the oldest gives way: those that ask are answered at once, and are not there any more.
const CONNECTIONS: usize = 64;

/// A request, from its first byte to the end of its header; and the time between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Of a connection; a client that reads slowly has this long, too.
const LIFETIME: Duration = Duration::from_secs(60);

/// Bytes of a header, and lines of it.
const LONGEST_HEADER: usize = 8192;
const HEADERS: usize = 64;

/// After an error of `accept`, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens from here on, until the process ends.
pub(crate) fn start(probes: &Probes, source: Source) -> Result<(), ConfigError> {
    let refuse = |error| ConfigError::new(format!("{}: cannot listen there: {error}", probes.named));
    let listener = Listener::bind(&probes.address).map_err(refuse)?;
    let work = move || {
        if let Err(error) = run(&listener, source) {
            crate::os::log::warn(format!("probes are not answered: {error}"));
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    // A runtime that cannot be built is tried again.
    thread::spawn("lifecycle-probes", None, move || {
        loop {
            work();
        }
    })
    .map(drop)
    .map_err(refuse)
}

fn run(listener: &Listener, source: Source) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listener.open()?;
        let mut connections = VecDeque::with_capacity(CONNECTIONS);
        loop {
            match listener.accept().await {
                Ok(stream) => add(&mut connections, tokio::spawn(serve(stream, source)).abort_handle()),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    })
}

fn add(connections: &mut VecDeque<AbortHandle>, new: AbortHandle) {
    if connections.len() >= CONNECTIONS {
        connections.retain(|connection| !connection.is_finished());
    }
    if connections.len() >= CONNECTIONS {
        connections.pop_front().into_iter().for_each(|oldest| oldest.abort());
    }
    connections.push_back(new);
}

async fn serve(stream: Box<dyn Stream>, source: Source) {
    let service = service_fn(|request| async move {
        Ok::<_, Infallible>(answer(request.method(), request.uri(), source).await)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_header_size(LONGEST_HEADER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // What a client does wrong is its own affair.
    let _ = tokio::time::timeout(LIFETIME, connection).await;
}
