//! What the environment says of sockets: an earlier image's variable, and a service manager's `LISTEN_FDS`.

use std::fmt::Write;
#[cfg(unix)]
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::model::address::ListenAddress;

/// The first descriptor that a service manager passes.
const FIRST: i32 = 3;

const STORED: &str = "lifecycle,";

const UNIX: &str = "unix:";

/// One socket, as the variable of an earlier image has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HandedOn {
    pub(super) descriptor: i32,
    pub(super) asked: Option<ListenAddress>,
    pub(super) name: Option<String>,
}

/// What an earlier image wrote; nothing if the variable is another process's.
pub(super) fn handed_on(variable: &str, pid: u32) -> Vec<HandedOn> {
    let mut parts = variable.split(';');
    if parts.next().and_then(|own| own.parse().ok()) != Some(pid) {
        return Vec::new();
    }
    parts.filter_map(parse).collect()
}

fn parse(part: &str) -> Option<HandedOn> {
    let (descriptor, label) = part.split_once('=')?;
    let (asked, name) = label.split_once(',').map_or((label, None), |(asked, name)| (asked, Some(name)));
    Some(HandedOn {
        descriptor: descriptor.parse().ok()?,
        asked: match asked.strip_prefix(UNIX) {
            Some(path) => Some(ListenAddress::Unix(path_of(unescape(path)))),
            None => asked.parse().ok().map(ListenAddress::Tcp),
        },
        name: name.map(text),
    })
}

/// What `handed_on` reads, without the descriptor.
pub(super) fn label(asked: Option<&ListenAddress>, name: Option<&str>) -> String {
    let mut label = match asked {
        Some(ListenAddress::Tcp(address)) => address.to_string(),
        Some(ListenAddress::Unix(path)) => UNIX.to_owned() + &escape(path.as_os_str().as_encoded_bytes()),
        None => String::new(),
    };
    if let Some(name) = name {
        label.push(',');
        label.push_str(&escape(name.as_bytes()));
    }
    label
}

/// How systemd calls a socket that it stores for us; no colon may be in it.
pub(super) fn stored_name(label: &str) -> String {
    format!("{STORED}{}", escape(label.as_bytes()))
}

/// What `stored_name` was made of, if it was.
pub(super) fn stored(name: &str) -> Option<(Option<ListenAddress>, Option<String>)> {
    let HandedOn { asked, name, .. } = parse(&format!("0={}", text(name.strip_prefix(STORED)?)))?;
    Some((asked, name))
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn text(escaped: &str) -> String {
    String::from_utf8_lossy(&unescape(escaped)).into_owned()
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    std::ffi::OsString::from_vec(bytes).into()
}

/// No image is executed anew there.
#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Descriptors and names of what a service manager has passed, by `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`; nothing if
/// they are meant for another process.
pub(super) fn passed(env: &dyn Fn(&str) -> Option<String>, pid: u32) -> Vec<(i32, Option<String>)> {
    let number = |name: &str| env(name).and_then(|value| value.trim().parse::<u32>().ok());
    let count = number("LISTEN_FDS").filter(|_| number("LISTEN_PID") == Some(pid)).unwrap_or(0);
    let names = env("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').map(str::to_owned).filter(|name| !name.is_empty());
    let count = i32::try_from(count).unwrap_or(0).min(1 << 16);
    (FIRST..FIRST + count).map(|descriptor| (descriptor, names.next())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ListenAddress {
        text.strip_prefix(UNIX).map_or_else(
            || ListenAddress::Tcp(text.parse().expect("an address")),
            |path| ListenAddress::Unix(path.into()),
        )
    }

    #[test]
    fn a_label_is_read_as_it_was_written() {
        for (asked, name) in [
            (Some("127.0.0.1:80"), None),
            (Some("[::1]:0"), Some("api")),
            (Some("unix:/run/a b;c=d,e %ü.sock"), Some("api")),
            (None, Some("a;b=c,d %ü")),
            (None, Some("")),
            (None, None),
        ] {
            let asked = asked.map(address);
            let variable = format!("7;9={}", label(asked.as_ref(), name));
            let read = HandedOn { descriptor: 9, asked, name: name.map(str::to_owned) };
            assert_eq!(handed_on(&variable, 7), [read], "{variable}");
            assert_eq!(handed_on(&variable, 8), [], "another process's");
        }
        let name = stored_name(&label(Some(&address("[::1]:80")), Some("a:b")));
        assert!(!name.contains(':'), "{name}");
        assert_eq!(stored(&name), Some((Some(address("[::1]:80")), Some("a:b".into()))));
        assert_eq!(stored("web"), None);
        assert_eq!(handed_on("", 7), []);
        assert_eq!(handed_on("7;x=127.0.0.1:80;9", 7), []);
        assert_eq!(handed_on("7;9=%,%zz%f", 7)[0].asked, None);
    }

    #[test]
    fn what_is_passed_to_another_process_is_not_ours() {
        for (fds, pid, names, count, first) in [
            ("2", "7", "web:admin", 2, Some("web")),
            ("1", "7", "", 1, None),
            ("2", "8", "web:admin", 0, None),
            ("-1", "7", "", 0, None),
            ("", "", "", 0, None),
        ] {
            let env = |name: &str| match name {
                "LISTEN_FDS" => Some(fds.to_owned()),
                "LISTEN_PID" => Some(pid.to_owned()),
                "LISTEN_FDNAMES" => Some(names.to_owned()),
                _ => None,
            };
            let passed = passed(&env, 7);
            assert_eq!(passed.len(), count, "{fds} {pid}");
            assert_eq!(passed.first().and_then(|(_, name)| name.as_deref()), first);
            assert!(passed.iter().zip(3..).all(|((descriptor, _), expected)| *descriptor == expected));
        }
    }
}
