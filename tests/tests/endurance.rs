//! What must hold over thousands of stops, questions, crashes and hangs. `./test` runs a tenth or less of it; `ENDURANCE=1 cargo test
//! -p lifecycle-tests --release --test endurance -- --nocapture` all of it, and says the numbers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lifecycle_tests::Service;
use lifecycle_tests::activation::activated;
use lifecycle_tests::http::Probes;
use lifecycle_tests::load::ask;
use lifecycle_tests::process::Held;

/// One at a time: each measures.
static ONE: Mutex<()> = Mutex::new(());

/// All of it, or what is enough to see it break.
fn scale(all: u64, few: u64) -> u64 {
    if std::env::var_os("ENDURANCE").is_some() { all } else { few }
}

/// One request on a connection of its own: whether it was answered in full.
fn request(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(b"GET /work HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200") && answer.ends_with("answered"))
}

#[test]
fn no_request_is_lost_in_stops_under_load() {
    let _one = ONE.lock();
    let (stops, total) = (scale(100, 8), scale(10_000, 800));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (next, answered, stopped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let lost = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                let service = activated(env!("CARGO_BIN_EXE_in_flight"), &[listener.as_fd()], "");
                let mut service = service.arg("settled").env("LIFECYCLE_RESTART", "off").start();
                service.line("port");
                std::thread::sleep(Duration::from_millis(100));
                service.signal(libc::SIGTERM);
                let _ = service.wait().expect_code(0);
                stopped.fetch_add(1, Relaxed);
            }
        });
        let clients: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    // On, until both have come to their number.
                    while next.fetch_add(1, Relaxed) < total || stopped.load(Relaxed) < stops {
                        match request(address) {
                            Ok(true) => drop(answered.fetch_add(1, Relaxed)),
                            other => lost.lock().expect("not poisoned").push(other),
                        }
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().expect("it goes on"));
        is_over.store(true, Relaxed);
    });
    let (stopped, answered, lost) = (stopped.into_inner(), answered.into_inner(), lost.into_inner());
    println!("{answered} requests answered over {stopped} stops");
    assert_eq!(
        lost.expect("not poisoned").iter().map(|lost| format!("{lost:?}")).collect::<Vec<_>>(),
        [""; 0]
    );
    assert!(stopped >= stops && answered >= total);
}

/// On kept connections, one after the other; how many answers were the expected one.
fn interrogate(probes: &Probes, until: Instant, pause: Duration) -> u64 {
    let mut stream = BufReader::new(probes.connect().expect("it listens"));
    let mut answered = 0;
    while Instant::now() < until {
        let path = ["/livez", "/readyz", "/startupz"][answered as usize % 3];
        let says = ["live\n", "ready\n", "started\n"][answered as usize % 3];
        write!(stream.get_mut(), "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let (mut head, mut body) = (String::new(), vec![0; says.len()]);
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).expect("an answer") > 0, "{head}");
        }
        stream.read_exact(&mut body).expect("a body");
        assert!(head.starts_with("HTTP/1.1 200") && body == says.as_bytes(), "{path}: {head}{body:?}");
        answered += 1;
        std::thread::sleep(pause);
    }
    answered
}

/// While the service's runtime stands still. The answers are the same to the last, and memory is bounded.
#[test]
fn a_flood_of_probes_is_answered_while_the_runtime_is_frozen() {
    let _one = ONE.lock();
    let service = Service::new(env!("CARGO_BIN_EXE_probed")).arg("frozen");
    let (probes, variable) = Probes::inside(service.folder().path());
    let mut service = service.env("LIFECYCLE_PROBES", variable).start();
    service.line("up");
    // Every connection has been there once.
    let warm = Instant::now() + Duration::from_millis(500);
    std::thread::scope(|scope| {
        (0..16).for_each(|_| drop(scope.spawn(|| interrogate(&probes, warm, Duration::from_millis(1)))));
    });
    let before = Held::by(service.pid());
    let begun = Instant::now();
    let until = begun + Duration::from_secs(scale(10, 1));
    let answered: u64 = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..16).map(|_| scope.spawn(|| interrogate(&probes, until, Duration::ZERO))).collect();
        clients.into_iter().map(|client| client.join().expect("truthful")).sum()
    });
    let (seconds, after) = (begun.elapsed().as_secs_f64(), Held::by(service.pid()));
    println!(
        "{answered} answers in {seconds:.1} s, {:.0} a second; resident {} KiB before, {} KiB after",
        answered as f64 / seconds,
        before.resident,
        after.resident
    );
    assert!(after.resident < before.resident + 4096, "{before:?} {after:?}");
}

/// The same table of descriptors after so many restarts, re-execs and hangs that are answered by a re-exec.
#[test]
fn no_descriptor_is_left_behind() {
    let _one = ONE.lock();
    for (how, mode, times) in [
        ("crash", "task", scale(1000, 50)),
        ("crash", "exec", scale(1000, 50)),
        ("hang", "exec", scale(1000, 5)),
    ] {
        let service = Service::new(env!("CARGO_BIN_EXE_sockets"));
        let service = service.args([how, "1", &times.to_string(), "127.0.0.1:0"]);
        let service =
            service.env("LIFECYCLE_RESTART_MAX_CRASHES", "100000").env("LIFECYCLE_RESTART_MODE", mode);
        let service = service.env("LIFECYCLE_WATCHDOG_ON_HANG", "exec");
        let service =
            service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "200ms").env("LIFECYCLE_WATCHDOG_STARTUP", "1s");
        let mut service = service.start();
        let line = service.line("run 1 of");
        let address = line.rsplit_once(" at ").expect("an address").1.parse().expect("an address");
        let pid = service.pid();
        // A thread of ours may have a file open just now.
        let table = || {
            (0..50)
                .map(|_| {
                    std::thread::sleep(Duration::from_millis(2));
                    Held::by(pid).descriptors
                })
                .min()
        };
        let begun = Instant::now();
        let mut tables = Vec::new();
        for run in 1..=times {
            let answer = ask(address).unwrap_or_else(|error| panic!("{how} {mode} run {run}: {error}"));
            assert!(answer.starts_with(&format!("run {run} of pid {pid}")), "{answer}");
            if [3, times].contains(&run) {
                service.line(&format!("run {} of", run + 1));
                service.line("heartbeat");
                tables.push(table());
            }
        }
        println!("{times} x {how}, {mode}: {tables:?} descriptors, {:.1?}", begun.elapsed());
        assert_eq!(tables[0], tables[1], "{how} {mode}");
        service.signal(libc::SIGTERM);
        let output = service.wait();
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
}
