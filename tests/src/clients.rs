//! Clients that ask a service over TCP without a pause, and check each answer.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request that is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections that are asked in turn by a thread each.
#[derive(Debug)]
pub struct Clients {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Connects so many clients to a port of this machine.
    #[must_use]
    pub fn start(port: u16, count: u64) -> Clients {
        let (stop, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let start = |client: u64| {
            let (stop, answers) = (stop.clone(), answers.clone());
            std::thread::spawn(move || ask(port, client * 1_000_000, &stop, &answers))
        };
        Clients { threads: (1..=count).map(start).collect(), stop, answers }
    }

    /// How many right answers there were by now.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers.load(Relaxed)
    }

    /// Ends them, and returns how many right answers there were.
    ///
    /// # Panics
    /// If a request failed, or was answered wrongly.
    #[must_use]
    pub fn stop(self) -> u64 {
        self.stop.store(true, Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("each request is answered"));
        self.answers.load(Relaxed)
    }
}

fn ask(port: u16, first: u64, stop: &AtomicBool, answers: &AtomicU64) {
    let mut writer = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    writer.set_nodelay(true).expect("a socket");
    writer.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut reader = BufReader::new(writer.try_clone().expect("a descriptor"));
    let mut answer = String::new();
    for number in first.. {
        if stop.load(Relaxed) {
            return;
        }
        writer.write_all(format!("{number}\n").as_bytes()).expect("it reads");
        answer.clear();
        reader.read_line(&mut answer).expect("an answer in time");
        assert_eq!(answer, format!("{number} {}\n", number * number));
        answers.fetch_add(1, Relaxed);
    }
}
