//! Requests over a Unix socket, as a platform sends them.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where probes are answered.
#[derive(Clone, Debug)]
pub struct Probes(PathBuf);

/// A status and a body.
pub type Answer = (u16, String);

impl Probes {
    /// At a socket in a folder; `LIFECYCLE_PROBES` is the second.
    #[must_use]
    pub fn inside(folder: &Path) -> (Probes, String) {
        let path = folder.join("probes");
        let variable = format!("unix:{}", path.display());
        (Probes(path), variable)
    }

    /// At a socket that has a place already.
    #[must_use]
    pub fn at(path: PathBuf) -> Probes {
        Probes(path)
    }

    /// A connection.
    ///
    /// # Errors
    /// If nobody listens.
    ///
    /// # Panics
    /// If the system has no timeouts.
    pub fn connect(&self) -> std::io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.0)?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Ok(stream)
    }

    /// Sends a request as it is; the answer until the connection ends.
    ///
    /// # Errors
    /// If it is not answered.
    pub fn send(&self, request: &str) -> std::io::Result<Answer> {
        let mut stream = self.connect()?;
        // An answer may come before all was read.
        if let Err(error) = stream.write_all(request.as_bytes())
            && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        {
            return Err(error);
        }
        let mut answer = Vec::new();
        // Closed before all was read is a reset, behind the answer.
        let read = stream.read_to_end(&mut answer);
        read.or_else(|error| if answer.is_empty() { Err(error) } else { Ok(0) })?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(ErrorKind::InvalidData)?, body.to_owned()))
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// If it is not answered.
    pub fn try_get(&self, path: &str) -> std::io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
    }

    /// Asks for a path.
    ///
    /// # Panics
    /// If it is not answered.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Asks until it is answered with this status.
    ///
    /// # Panics
    /// If it is not in 30 s.
    pub fn wait_for(&self, path: &str, status: u16) {
        let _ = self.time_to(path, status);
    }

    /// As `wait_for`: how long that took.
    ///
    /// # Panics
    /// If it is not in 30 s.
    #[must_use]
    pub fn time_to(&self, path: &str, status: u16) -> Duration {
        let begun = Instant::now();
        loop {
            let answer = self.try_get(path);
            if answer.as_ref().is_ok_and(|(is, _)| *is == status) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {answer:?}, not {status}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
