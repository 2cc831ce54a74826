//! The sockets of the process: which are kept, which were passed, and which files are ours.

use super::inherited;
use super::socket::{self, Ask, Origin, Socket};
use crate::model::address::ListenAddress;
use crate::os::log::{self, Level};
use crate::os::re_exec::VARIABLE;
use crate::os::service_manager;
#[cfg(unix)]
use crate::os::socket_file::SocketFile;
use crate::os::sockets::Kept;

pub(super) struct Registry {
    /// Main is run again after a crash: sockets are kept for it.
    pub(super) is_keeping: bool,
    /// Descriptors below may be a service manager's, and are left free for it.
    pub(super) least: i32,
    pub(super) sockets: Vec<Entry>,
    /// What was passed and is no listening stream socket: only handed on.
    foreign: Vec<Kept>,
    /// Files of the Unix sockets that were bound here, or by an earlier image: removed with them, or at the end.
    #[cfg(unix)]
    files: Vec<SocketFile>,
}

pub(super) struct Entry {
    pub(super) socket: Socket,
    kept: Kept,
}

impl Entry {
    pub(super) fn is_unclaimed(&self, run: u32) -> bool {
        self.socket.origin == Origin::Own && self.socket.given != Some(run)
    }
}

impl Registry {
    pub(super) const fn new() -> Registry {
        Registry {
            is_keeping: false,
            least: 3,
            sockets: Vec::new(),
            foreign: Vec::new(),
            #[cfg(unix)]
            files: Vec::new(),
        }
    }

    pub(super) fn adopt_passed(
        &mut self,
        descriptor: i32,
        name: Option<String>,
        asked: Option<ListenAddress>,
    ) -> Option<String> {
        // Our own, which systemd has stored for us.
        let stored = name.as_deref().and_then(inherited::stored);
        let origin = if stored.is_some() { Origin::Own } else { Origin::Passed };
        let (asked, name) = stored.unwrap_or((asked, name));
        let label = inherited::label(asked.as_ref(), name.as_deref().filter(|_| origin == Origin::Own));
        let Some(kept) = Kept::passed(descriptor, self.least, &label) else {
            return Some(format!(
                "LISTEN_FDS: descriptor {descriptor} is not open: the service binds a socket of its own"
            ));
        };
        match kept.address() {
            Some(local) => {
                if origin == Origin::Own {
                    self.own_file(&local);
                }
                let socket = Socket { name, asked, local, origin, given: None };
                self.sockets.push(Entry { socket, kept });
            }
            None => self.foreign.push(kept),
        }
        None
    }

    pub(super) fn adopt_own(&mut self, known: inherited::HandedOn) -> Option<String> {
        let inherited::HandedOn { descriptor, asked, name } = known;
        let kept = Kept::inherited(descriptor, &inherited::label(asked.as_ref(), name.as_deref()));
        let local = kept.as_ref().and_then(Kept::address);
        if let (Some(kept), Some(local), Some(asked)) = (kept, local.clone(), asked.clone())
            && is_bound_as(&local, &asked)
        {
            self.own_file(&local);
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
    pub(super) fn give(&mut self, ask: Ask<'_>) -> Option<std::io::Result<socket2::Socket>> {
        let sockets: Vec<&Socket> = self.sockets.iter().map(|entry| &entry.socket).collect();
        let Some(index) = socket::find(&sockets, ask) else {
            // The only reason not to use it.
            let named =
                sockets.iter().find(|socket| ask.name.is_some() && socket.name.as_deref() == ask.name);
            if let Some(passed) = named {
                warn(&format!("{passed}, passed by systemd, is of another kind: the service binds its own"));
            }
            return None;
        };
        let has_lost_its_file = self.has_lost_its_file(&self.sockets[index].socket);
        let Entry { socket, kept } = &mut self.sockets[index];
        let why = match kept.address() {
            Some(local) if local != socket.local => format!("it is bound to {local} now"),
            None => "it does not listen any more".into(),
            Some(_) if has_lost_its_file => "its file was removed or replaced".into(),
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
                let asked = || ask.addresses.first().cloned().unwrap_or(local);
                let asked = socket.asked.get_or_insert_with(asked);
                kept.relabel(&inherited::label(Some(asked), socket.name.as_deref()));
                return Some(kept.duplicate());
            }
        };
        let text = format!("{socket} is bound anew: {why}");
        let entry = self.sockets.remove(index);
        self.stop_one(entry);
        warn(&text);
        None
    }

    /// Closes those that `which` picks, for everybody who holds them.
    pub(super) fn stop(&mut self, which: impl Fn(&Entry) -> bool) -> Vec<Socket> {
        let picked: Vec<Entry> = self.sockets.extract_if(.., |entry| which(entry)).collect();
        picked.into_iter().map(|entry| self.stop_one(entry)).collect()
    }

    fn stop_one(&mut self, Entry { socket, kept }: Entry) -> Socket {
        kept.stop();
        if socket.origin == Origin::Own {
            self.remove_file(&socket.local);
        }
        if kept.is_passed() {
            // `LISTEN_FDS` still counts it in the next image.
            self.foreign.push(kept);
        }
        socket
    }

    /// Its file is ours, and if main is run again, the socket is kept for it.
    pub(super) fn bound(&mut self, new: &socket2::Socket, asked: ListenAddress, ask: Ask<'_>) {
        self.own_file(&asked);
        if !self.is_keeping {
            return;
        }
        let label = inherited::label(Some(&asked), ask.name);
        match Kept::of(new, self.least, &label).map(|kept| (kept.address(), kept)) {
            Ok((Some(local), kept)) => {
                service_manager::store(&kept, &inherited::stored_name(&label));
                let (name, given) = (ask.name.map(str::to_owned), Some(ask.run));
                let socket = Socket { name, asked: Some(asked), local, origin: Origin::Own, given };
                self.sockets.push(Entry { socket, kept });
            }
            Ok((None, _)) => {}
            Err(error) => warn(&format!("the socket at {asked} is not kept for a restart: {error}")),
        }
    }
}

#[cfg(unix)]
impl Registry {
    fn own_file(&mut self, address: &ListenAddress) {
        if let ListenAddress::Unix(path) = address {
            self.files.retain(|file| file.path() != path);
            self.files.extend(SocketFile::at(path));
        }
    }

    fn has_lost_its_file(&self, socket: &Socket) -> bool {
        match &socket.local {
            ListenAddress::Unix(path) if socket.origin == Origin::Own => {
                !self.files.iter().any(|file| file.path() == path && file.is_there())
            }
            _ => false,
        }
    }

    fn remove_file(&mut self, address: &ListenAddress) {
        if let ListenAddress::Unix(path) = address {
            self.files.extract_if(.., |file| file.path() == path).for_each(|file| file.remove());
        }
    }

    pub(super) fn remove_files(&mut self) {
        self.files.drain(..).for_each(|file| file.remove());
    }
}

#[cfg(not(unix))]
impl Registry {
    fn own_file(&mut self, _: &ListenAddress) {}

    fn has_lost_its_file(&self, _: &Socket) -> bool {
        false
    }

    fn remove_file(&mut self, _: &ListenAddress) {}

    pub(super) fn remove_files(&mut self) {}
}

/// Any port is as good as another where the service asked for any.
fn is_bound_as(local: &ListenAddress, asked: &ListenAddress) -> bool {
    match (local, asked) {
        (ListenAddress::Tcp(local), ListenAddress::Tcp(asked)) if asked.port() == 0 => {
            local.ip() == asked.ip()
        }
        _ => local == asked,
    }
}

pub(super) fn warn(text: &str) {
    log::say_later(Level::Warn, text);
}
