//! New connections at an even rate, and what became of each.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A connection that is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(50);

/// How many at once: as many wait in the backlog while nobody accepts.
const THREADS: u64 = 32;

/// What became of the connections.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Got their answer.
    pub answered: AtomicU64,
    /// Could not be made: nobody listens.
    pub refused: AtomicU64,
    /// Were made, and broken off before the answer.
    pub reset: AtomicU64,
    /// Anything else.
    pub other: AtomicU64,
}

impl Outcomes {
    /// Answered, refused, reset, anything else.
    #[must_use]
    pub fn counts(&self) -> [u64; 4] {
        [&self.answered, &self.refused, &self.reset, &self.other].map(|count| count.load(Relaxed))
    }

    fn count(&self, result: std::io::Result<String>) {
        let outcome = match result {
            Ok(answer) if answer.ends_with('\n') => &self.answered,
            // An end without an answer.
            Ok(_) => &self.reset,
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused => &self.refused,
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => &self.reset,
                _ => &self.other,
            },
        };
        outcome.fetch_add(1, Relaxed);
    }
}

/// Makes `total` connections, `per_second` at most, each with one request.
#[must_use]
pub fn load(address: SocketAddr, per_second: u64, total: u64) -> Outcomes {
    let (outcomes, begun, next) = (Outcomes::default(), Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= total {
                        return;
                    }
                    let due = begun + Duration::from_nanos(number * 1_000_000_000 / per_second);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    outcomes.count(ask(address));
                }
            });
        }
    });
    outcomes
}

/// One connection with one request: its answer.
///
/// # Errors
/// If it is refused, broken off or not answered in 50 s.
pub fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"hello\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
