//! What a file descriptor of another process leads to, and who is on the other end of a socket.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `a socket to 10.0.0.7:5432 (file descriptor 9)`.
pub(crate) fn describe(pid: u32, descriptor: i32) -> String {
    let number = format!("file descriptor {descriptor}");
    let Ok(link) = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")) else { return number };
    let link = link.to_string_lossy();
    let what = match link.split_once(':') {
        Some(("socket", inode)) => socket(pid, inode.trim_matches(['[', ']'])),
        Some(("pipe", _)) => "a pipe".to_owned(),
        _ => {
            let is_fifo = fs::metadata(link.as_ref())
                .is_ok_and(|file| std::os::unix::fs::FileTypeExt::is_fifo(&file.file_type()));
            format!("{}{link}", if is_fifo { "the FIFO " } else { "" })
        }
    };
    format!("{what} ({number})")
}

fn socket(pid: u32, inode: &str) -> String {
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let rows = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        if let Some(ends) = rows.lines().find_map(|row| ends(row, inode)) {
            return match ends {
                (local, remote) if remote.port() == 0 => format!("a socket on {local}"),
                (_, remote) => format!("a socket to {remote}"),
            };
        }
    }
    let rows = fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap_or_default();
    let is_ours = |row: &&str| row.split_ascii_whitespace().nth(6) == Some(inode);
    match rows.lines().find(is_ours).map(|row| row.split_ascii_whitespace().nth(7)) {
        Some(Some(path)) => format!("a Unix socket at {path}"),
        Some(None) => "a Unix socket".to_owned(),
        None => "a socket".to_owned(),
    }
}

/// Both ends, if the row is about that inode.
fn ends(row: &str, inode: &str) -> Option<(SocketAddr, SocketAddr)> {
    let words: Vec<&str> = row.split_ascii_whitespace().collect();
    (words.get(9) == Some(&inode)).then_some(())?;
    Some((address(words[1])?, address(words[2])?))
}

/// `0100007F:1F90`: groups of four bytes as the machine has them, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok();
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].map(u32::to_ne_bytes);
            let bytes: [u8; 16] = words.as_flattened().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_of_this_test_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        let number = std::os::fd::AsRawFd::as_raw_fd(&client);
        let told = describe(std::process::id(), number);
        assert_eq!(told, format!("a socket to 127.0.0.1:{port} (file descriptor {number})"));
        let number = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let told = describe(std::process::id(), number);
        assert_eq!(told, format!("a socket on 127.0.0.1:{port} (file descriptor {number})"));
        assert_eq!(describe(std::process::id(), 987_654), "file descriptor 987654");
    }
}
