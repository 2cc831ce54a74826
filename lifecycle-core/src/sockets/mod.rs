//! Listening sockets that outlive the run of main that asked for them, so that connections queue while main restarts.
//!
//! | a socket is | by |
//! |---|---|
//! | kept: a descriptor of our own lives beside the service's | `open`, or `adopt` at the start of an image |
//! | given to a run of main, as a duplicate | `open` |
//! | closed, though the service may hold its own | `release`, once main is not run again; `close_unclaimed` |
//! | closed for everybody | `close`, when a back-off wait begins |
//!
//! What a service manager has passed is never closed for others. Who asks outside of a service gets a plain socket.

mod inherited;
mod socket;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::{TcpListener, TcpSocket};

pub(crate) use self::socket::Ask;
use self::socket::{Origin, Socket};
use crate::model::status::SocketStatus;
use crate::os::lock::lock;
use crate::os::log::{self, Level};
use crate::os::re_exec::VARIABLE;
use crate::os::service_manager;
use crate::os::sockets::Kept;

/// As tokio's `bind`.
const BACKLOG: u32 = 1024;

/// Process-wide, as descriptors are.
static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { is_keeping: false, least: 3, sockets: Vec::new(), foreign: Vec::new() });

struct Registry {
    /// Main is run again after a crash: sockets are kept for it.
    is_keeping: bool,
    /// Descriptors below may be a service manager's, and are left free for it.
    least: i32,
    sockets: Vec<Entry>,
    /// What was passed and is no listening TCP socket: only handed on.
    foreign: Vec<Kept>,
}

struct Entry {
    socket: Socket,
    kept: Kept,
}

/// Takes over what the environment says, before anything else opens a descriptor. Returns warnings.
pub(crate) fn adopt(handed_on: Option<OsString>, env: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let pid = std::process::id();
    let handed_on = handed_on.and_then(|value| value.into_string().ok());
    let handed_on = handed_on.map(|value| inherited::handed_on(&value, pid)).unwrap_or_default();
    let passed = inherited::passed(env, pid);
    let mut registry = lock(&REGISTRY);
    registry.least += i32::try_from(passed.len()).unwrap_or(0);
    let mut warnings = Vec::new();
    for (descriptor, name) in passed {
        let known = handed_on.iter().find(|known| known.descriptor == descriptor);
        warnings.extend(registry.adopt_passed(descriptor, name, known.and_then(|known| known.asked)));
    }
    let least = registry.least;
    let own = handed_on.into_iter().filter(|known| known.descriptor >= least);
    warnings.extend(own.filter_map(|known| registry.adopt_own(known)));
    warnings
}

/// Main is run again after a crash: from now on sockets are kept for it.
pub(crate) fn keep() {
    lock(&REGISTRY).is_keeping = true;
}

/// A listener for the service: a socket that is kept, or one that is bound now.
pub(crate) fn open(ask: Ask<'_>) -> io::Result<TcpListener> {
    let mut registry = lock(&REGISTRY);
    if let Some(listener) = registry.give(ask) {
        return listener;
    }
    let (asked, listener) = bind(ask)?;
    if registry.is_keeping {
        registry.keep(&listener, asked, ask);
    }
    from_std(listener)
}

/// A back-off wait begins: clients are to fail over.
pub(crate) fn close() {
    // What a crashed run has left behind may hold it, too.
    lock(&REGISTRY).stop(|entry| entry.socket.origin == Origin::Own);
}

/// Main is not run again: what the service closes is closed.
pub(crate) fn release() {
    let mut registry = lock(&REGISTRY);
    registry.is_keeping = false;
    registry.sockets.clear();
}

/// Whether there is a socket that this run has not asked for, and nobody else answers on.
pub(crate) fn has_unclaimed(run: u32) -> bool {
    lock(&REGISTRY).sockets.iter().any(|entry| entry.is_unclaimed(run))
}

/// The run is up and has asked for what it needs: on the others nobody would answer.
pub(crate) fn close_unclaimed(run: u32) {
    for socket in lock(&REGISTRY).stop(|entry| entry.is_unclaimed(run)) {
        warn(&format!("{socket} is closed: this run of main does not listen on it any more"));
    }
}

/// Every socket that is kept.
pub(crate) fn status() -> Vec<SocketStatus> {
    let of = |entry: &Entry| SocketStatus {
        name: entry.socket.name.clone(),
        address: entry.socket.local,
        passed: entry.socket.origin == Origin::Passed,
    };
    lock(&REGISTRY).sockets.iter().map(of).collect()
}

impl Entry {
    fn is_unclaimed(&self, run: u32) -> bool {
        self.socket.origin == Origin::Own && self.socket.given != Some(run)
    }
}

impl Registry {
    fn adopt_passed(
        &mut self,
        descriptor: i32,
        name: Option<String>,
        asked: Option<SocketAddr>,
    ) -> Option<String> {
        // Our own, which systemd has stored for us.
        let stored = name.as_deref().and_then(inherited::stored);
        let origin = if stored.is_some() { Origin::Own } else { Origin::Passed };
        let (asked, name) = stored.unwrap_or((asked, name));
        let label = inherited::label(asked, name.as_deref().filter(|_| origin == Origin::Own));
        let Some(kept) = Kept::passed(descriptor, self.least, &label) else {
            return Some(format!(
                "LISTEN_FDS: descriptor {descriptor} is not open: the service binds a socket of its own"
            ));
        };
        match kept.address() {
            Some(local) => {
                let socket = Socket { name, asked, local, origin, given: None };
                self.sockets.push(Entry { socket, kept });
            }
            None => self.foreign.push(kept),
        }
        None
    }

    fn adopt_own(&mut self, known: inherited::HandedOn) -> Option<String> {
        let inherited::HandedOn { descriptor, asked, name } = known;
        let kept = Kept::inherited(descriptor, &inherited::label(asked, name.as_deref()));
        let local = kept.as_ref().and_then(Kept::address);
        if let (Some(kept), Some(local), Some(asked)) = (kept, local, asked)
            && is_bound_as(local, asked)
        {
            let socket = Socket { name, asked: Some(asked), local, origin: Origin::Own, given: None };
            self.sockets.push(Entry { socket, kept });
            return None;
        }
        let is = local.map_or("no listening socket".into(), |local| format!("bound to {local}"));
        let expected = asked.map_or("it".into(), |asked| asked.to_string());
        Some(format!(
            "{VARIABLE}: descriptor {descriptor} is {is}, not the socket that was handed on for {expected}: \
             the service binds it anew"
        ))
    }

    /// `None`: it is to be bound.
    fn give(&mut self, ask: Ask<'_>) -> Option<io::Result<TcpListener>> {
        let sockets: Vec<&Socket> = self.sockets.iter().map(|entry| &entry.socket).collect();
        let index = socket::find(&sockets, ask)?;
        let Entry { socket, kept } = &mut self.sockets[index];
        let why = match kept.address() {
            Some(local) if local != socket.local => format!("it is bound to {local} now"),
            None => "it does not listen any more".into(),
            // A service manager's file decides where its sockets are.
            Some(_) if socket.origin == Origin::Own && !socket.is_at(ask.addresses) => {
                let asked: Vec<String> = ask.addresses.iter().map(ToString::to_string).collect();
                format!("asked for is {}", asked.join(" or "))
            }
            Some(local) => {
                if !socket.is_at(ask.addresses) && socket.given.is_none() {
                    log::say_later(Level::Info, format!("{socket}, passed by systemd, is used"));
                }
                socket.given = Some(ask.run);
                socket.asked = socket.asked.or(ask.addresses.first().copied()).or(Some(local));
                let name = socket.name.as_deref();
                kept.relabel(&inherited::label(socket.asked, name));
                return Some(kept.duplicate().and_then(from_std));
            }
        };
        let text = format!("{socket} is bound anew: {why}");
        let entry = self.sockets.remove(index);
        self.stop_one(entry);
        warn(&text);
        None
    }

    /// Closes those that `which` picks, for everybody who holds them.
    fn stop(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<Socket> {
        let picked: Vec<Entry> = self.sockets.extract_if(.., |entry| which(entry)).collect();
        picked.into_iter().map(|entry| self.stop_one(entry)).collect()
    }

    fn stop_one(&mut self, Entry { socket, kept }: Entry) -> Socket {
        kept.stop();
        if kept.is_passed() {
            // `LISTEN_FDS` still counts it in the next image.
            self.foreign.push(kept);
        }
        socket
    }

    fn keep(&mut self, listener: &std::net::TcpListener, asked: SocketAddr, ask: Ask<'_>) {
        let label = inherited::label(Some(asked), ask.name);
        let kept =
            listener.local_addr().and_then(|local| Ok((local, Kept::of(listener, self.least, &label)?)));
        match kept {
            Ok((local, kept)) => {
                service_manager::store(&kept, &inherited::stored_name(&label));
                let name = ask.name.map(str::to_owned);
                let socket =
                    Socket { name, asked: Some(asked), local, origin: Origin::Own, given: Some(ask.run) };
                self.sockets.push(Entry { socket, kept });
            }
            Err(error) => {
                warn(&format!("the socket at {asked} is not kept for a restart: {error}"));
            }
        }
    }
}

/// Any port is as good as another where the service asked for any.
fn is_bound_as(local: SocketAddr, asked: SocketAddr) -> bool {
    local == asked || (asked.port() == 0 && local.ip() == asked.ip())
}

/// The first address that can be had, as tokio's `bind`.
fn bind(ask: Ask<'_>) -> io::Result<(SocketAddr, std::net::TcpListener)> {
    let mut last = None;
    for address in ask.addresses {
        match bind_to(*address) {
            Ok(listener) => return Ok((*address, listener)),
            Err(error) => {
                let text = format!("cannot listen on {address}: {error}");
                last = Some(io::Error::new(error.kind(), text));
            }
        }
    }
    let none =
        || io::Error::new(io::ErrorKind::InvalidInput, "the address resolves to none: write `IP:port`");
    Err(last.unwrap_or_else(none))
}

fn bind_to(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows it would let another program take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    // A service manager may have passed one that blocks.
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn warn(text: &str) {
    log::say_later(Level::Warn, text);
}
