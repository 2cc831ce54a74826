//! What is known of a kept socket, and which one an ask of the service gets: pure.

use std::fmt;

use crate::model::address::ListenAddress;

/// What the service asks for.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) name: Option<&'a str>,
    /// What its address resolves to, in the order of preference: all of one kind.
    pub(crate) addresses: &'a [ListenAddress],
    /// The number of the run that asks.
    pub(crate) run: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Bound here, by this image or an earlier one.
    Own,
    /// Passed by a service manager, which holds it as well.
    Passed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// The one that it was asked for by, or that the service manager gave it.
    pub(super) name: Option<String>,
    /// The address that it was asked for by; its port may be 0.
    pub(super) asked: Option<ListenAddress>,
    /// Where it listens.
    pub(super) local: ListenAddress,
    pub(super) origin: Origin,
    /// The last run that was given it.
    pub(super) given: Option<u32>,
}

impl Socket {
    /// Whether it is what the addresses ask for.
    pub(super) fn is_at(&self, addresses: &[ListenAddress]) -> bool {
        addresses.contains(&self.local) || self.asked.as_ref().is_some_and(|asked| addresses.contains(asked))
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "socket `{name}` at {}", self.local),
            None => write!(f, "the socket at {}", self.local),
        }
    }
}

/// The index of the socket that the ask gets: by its name, else by its address, else the next one that was passed.
pub(super) fn find(sockets: &[&Socket], ask: Ask<'_>) -> Option<usize> {
    if let Some(name) = ask.name {
        // What a service manager holds is not replaced by one of another kind.
        let fits = |socket: &Socket| socket.origin == Origin::Own || socket.is_of_the_kind_of(ask);
        let named = first(sockets, |socket| socket.name.as_deref() == Some(name) && fits(socket));
        return named.or_else(|| by_address(sockets, ask));
    }
    by_address(sockets, ask).or_else(|| in_order(sockets, ask))
}

fn first(sockets: &[&Socket], matches: impl Fn(&Socket) -> bool) -> Option<usize> {
    sockets.iter().position(|socket| matches(socket))
}

fn by_address(sockets: &[&Socket], ask: Ask<'_>) -> Option<usize> {
    ask.addresses.iter().find_map(|address| {
        if !matches!(address, ListenAddress::Tcp(any) if any.port() == 0) {
            return first(sockets, |socket| socket.is_at(std::slice::from_ref(address)));
        }
        // Any port: who asks twice in one run wants two sockets, unless they have a name.
        let is_free = |socket: &Socket| ask.name.is_none() && socket.given != Some(ask.run);
        first(sockets, |socket| {
            socket.asked.as_ref() == Some(address) && is_free(socket) && socket.is_unnamed()
        })
    })
}

/// The service manager's file decides on the address: the same port comes first, then those without a name of their own.
fn in_order(sockets: &[&Socket], ask: Ask<'_>) -> Option<usize> {
    let is_new = |socket: &Socket| {
        socket.origin == Origin::Passed && socket.asked.is_none() && socket.is_of_the_kind_of(ask)
    };
    let has_port = |socket: &Socket| match &socket.local {
        ListenAddress::Tcp(local) => ask
            .addresses
            .iter()
            .any(|address| matches!(address, ListenAddress::Tcp(asked) if asked.port() == local.port())),
        ListenAddress::Unix(_) => false,
    };
    first(sockets, |socket| is_new(socket) && has_port(socket))
        .or_else(|| first(sockets, |socket| is_new(socket) && socket.is_unnamed()))
        .or_else(|| first(sockets, is_new))
}

impl Socket {
    fn is_of_the_kind_of(&self, ask: Ask<'_>) -> bool {
        ask.addresses.iter().all(|address| address.is_of_the_kind_of(&self.local))
    }

    /// systemd calls a socket by its unit, or "unknown", if the unit's file has no `FileDescriptorName=`.
    fn is_unnamed(&self) -> bool {
        let name = self.name.as_deref().unwrap_or_default();
        name.is_empty() || (self.origin == Origin::Passed && (name.ends_with(".socket") || name == "unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> ListenAddress {
        match address.strip_prefix("unix:") {
            Some(path) => ListenAddress::Unix(path.into()),
            None => ListenAddress::Tcp(address.parse().expect("an address")),
        }
    }

    fn own(name: Option<&str>, asked: &str, local: &str, given: Option<u32>) -> Socket {
        let name = name.map(str::to_owned);
        Socket { name, asked: Some(at(asked)), local: at(local), origin: Origin::Own, given }
    }

    fn passed(name: &str, local: &str) -> Socket {
        let name = Some(name.to_owned());
        Socket { name, asked: None, local: at(local), origin: Origin::Passed, given: None }
    }

    #[test]
    fn an_ask_gets_the_socket_of_its_name_address_or_turn() {
        let sockets = [
            own(None, "127.0.0.1:80", "127.0.0.1:80", Some(1)),
            own(None, "127.0.0.1:0", "127.0.0.1:4001", Some(1)),
            own(None, "127.0.0.1:0", "127.0.0.1:4002", Some(2)),
            own(Some("api"), "127.0.0.1:0", "127.0.0.1:4003", Some(1)),
            passed("web", "[::]:443"),
            passed("app.socket", "[::]:8443"),
            Socket { asked: Some(at("127.0.0.1:9")), ..passed("unknown", "[::]:9999") },
            own(None, "unix:/a", "unix:/a", Some(1)),
            passed("unix.socket", "unix:/b"),
        ];
        let sockets: Vec<&Socket> = sockets.iter().collect();
        for (name, addresses, gets) in [
            (None, &["127.0.0.1:80"][..], Some(0)),
            // The same one, however often.
            (None, &["[::1]:80", "127.0.0.1:80"], Some(0)),
            (Some("new"), &["127.0.0.1:80"], Some(0)),
            // Given in run 2 already: a next one.
            (None, &["127.0.0.1:0"], Some(1)),
            (None, &["127.0.0.1:4002"], Some(2)),
            (Some("api"), &["127.0.0.1:0"], Some(3)),
            (Some("other"), &["127.0.0.1:0"], None),
            (Some("web"), &["127.0.0.1:3000"], Some(4)),
            // The same port, before those in order.
            (None, &["0.0.0.0:443"], Some(4)),
            (None, &["0.0.0.0:3000"], Some(5)),
            // What was given by turn is remembered by its address.
            (None, &["127.0.0.1:9"], Some(6)),
            (Some("other"), &["127.0.0.1:3000"], None),
            (None, &["unix:/a"], Some(7)),
            (None, &["unix:/c"], Some(8)),
            // Of another kind: systemd's is left alone, our own is to be bound anew.
            (Some("web"), &["unix:/c"], None),
            (Some("api"), &["unix:/c"], Some(3)),
        ] {
            let addresses: Vec<ListenAddress> = addresses.iter().map(|address| at(address)).collect();
            let found = find(&sockets, Ask { name, addresses: &addresses, run: 2 });
            assert_eq!(found, gets, "{name:?} {addresses:?}");
        }
    }

    #[test]
    fn sockets_with_a_name_of_their_own_come_last_in_order() {
        let (web, second) = (passed("web", "[::]:443"), passed("app.socket", "[::]:8443"));
        let addresses = [at("127.0.0.1:3000")];
        let ask = Ask { name: None, addresses: &addresses, run: 1 };
        assert_eq!(find(&[&web, &second], ask), Some(1));
        assert_eq!(find(&[&web], ask), Some(0));
        assert_eq!(find(&[], ask), None);
    }
}
