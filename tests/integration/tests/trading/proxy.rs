//! A proxy in front of the exchange that behaves as bad networks and bad peers do.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::sleep;

/// What happens to connections, those that are there and new ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Pass,
    /// They are reset.
    Killed,
    /// Nothing is read and nothing forwarded; what is there waits.
    Frozen,
    /// Some bytes a second.
    Slow,
    /// The exchange is gone, and the client hears nothing of it.
    HalfOpen,
    /// What was asked is answered with noise, as fast as it can be read.
    Flooding,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    _runtime: Runtime,
}

impl Proxy {
    pub(crate) fn before(exchange: SocketAddr) -> Proxy {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Pass);
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connection(client, exchange, modes.clone()));
            }
        });
        Proxy { address, mode, _runtime: runtime }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// Ends with either side, or in a mode after which no byte would be where it belongs. A reset is what closes it.
async fn connection(mut client: TcpStream, exchange: SocketAddr, mut modes: watch::Receiver<Mode>) {
    let Ok(mut server) = TcpStream::connect(exchange).await else { return };
    loop {
        let mode = *modes.borrow_and_update();
        let goes_on = match mode {
            Mode::Pass => forward(&mut client, &mut server, &mut modes, 64 * 1024).await,
            Mode::Slow => {
                sleep(Duration::from_millis(50)).await;
                forward(&mut client, &mut server, &mut modes, 16).await
            }
            Mode::Frozen => modes.changed().await.is_ok(),
            Mode::Killed => false,
            Mode::HalfOpen => {
                drop(server);
                let _ = modes.changed().await;
                break;
            }
            Mode::Flooding => {
                flood(&mut client, &mut modes).await;
                false
            }
        };
        if !goes_on {
            break;
        }
    }
    let _ = client.set_zero_linger();
}

/// A piece of one of the directions, or a change of the mode. Never is a piece read and not written.
async fn forward(
    client: &mut TcpStream,
    server: &mut TcpStream,
    modes: &mut watch::Receiver<Mode>,
    size: usize,
) -> bool {
    let (mut up, mut down) = (vec![0; size], vec![0; size]);
    let written = tokio::select! {
        changed = modes.changed() => return changed.is_ok(),
        Ok(read @ 1..) = client.read(&mut up) => server.write_all(&up[..read]).await,
        Ok(read @ 1..) = server.read(&mut down) => client.write_all(&down[..read]).await,
        else => return false,
    };
    written.is_ok()
}

async fn flood(client: &mut TcpStream, modes: &mut watch::Receiver<Mode>) {
    let noise = vec![b'x'; 64 * 1024];
    tokio::select! {
        _ = modes.changed() => {}
        () = async { while client.write_all(&noise).await.is_ok() {} } => {}
    }
}
