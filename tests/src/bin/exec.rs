//! A service that crashes or hangs and leaves everything dirty; the first argument picks how, the second how often.

use std::io::Write;
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Runs of this image; those of the process are counted in a file.
static RUNS: AtomicU32 = AtomicU32::new(0);

fn init() {
    eprintln!("init");
}

fn argument(index: usize) -> String {
    std::env::args().nth(index).unwrap_or_default()
}

/// The number of this run: the file has a byte for each.
fn run_of_process() -> u64 {
    let mut runs = std::fs::OpenOptions::new().create(true).append(true).open("runs").expect("a file");
    runs.write_all(b".").expect("written");
    runs.metadata().expect("its length").len()
}

/// Of this thread: in others libc blocks everything while it starts one.
fn status(key: &str) -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
}

/// The smallest of some counts: a thread of the framework may have a file open just now. 0 unless asked for: it takes a
/// while.
fn descriptors() -> usize {
    if std::env::var_os("DESCRIPTORS").is_none() {
        return 0;
    }
    let count = |_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        std::fs::read_dir("/proc/self/fd").expect("a folder").count()
    };
    (0..5).map(count).min().unwrap_or_default()
}

fn tell(run: u64) {
    let image = RUNS.fetch_add(1, Relaxed) + 1;
    let greeting = std::env::var("GREETING").unwrap_or_default();
    println!("run {run} of pid {}: {image} of its image, greeting {greeting:?}", std::process::id());
    let descriptors = descriptors();
    let (rss, ignored) = (status("VmRSS:"), status("SigIgn:"));
    println!(
        "state {run}: descriptors {descriptors} rss {rss} ignored {ignored} blocked {}",
        status("SigBlk:")
    );
}

/// One takes signals; the other has blocked them all, as allocators' threads do.
fn leaked(deaf: bool) {
    if deaf {
        // SAFETY: a set that is filled first.
        unsafe {
            let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed().assume_init();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
        }
    }
    loop {
        std::thread::park();
    }
}

/// What a next image must know nothing of: a listening socket, threads, a descriptor without close-on-exec, a folder,
/// a variable, an ignored signal, a timer that kills.
fn leave_everything_dirty() {
    if let Ok(port) = std::env::var("PORT") {
        let port = port.parse().expect("a port");
        std::mem::forget(std::net::TcpListener::bind(("127.0.0.1", port)).expect("nobody listens there"));
    }
    for deaf in [false, true] {
        std::thread::spawn(move || leaked(deaf));
    }
    let descriptor = std::fs::File::open("/dev/null").expect("a device").into_raw_fd();
    // SAFETY: numbers, a handler that the system has, and a valid timer; the other threads are parked, none reads variables.
    unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, 0);
        libc::signal(libc::SIGUSR1, libc::SIG_IGN);
        libc::signal(libc::SIGALRM, libc::SIG_IGN);
        let tick = libc::timeval { tv_sec: 0, tv_usec: 50_000 };
        let timer = libc::itimerval { it_interval: tick, it_value: tick };
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
        std::env::set_var("GREETING", "changed");
    }
    std::env::set_current_dir("/").expect("a folder");
}

struct Buffer(&'static str);

impl Buffer {
    #[lifecycle::component(phase = "persist", on_hang = true)]
    fn flush(&self) -> Result<(), String> {
        match self.0 {
            "blocks" => loop {
                std::thread::park();
            },
            "fails" => Err("the disk is full".into()),
            "panics" => panic!("a poisoned buffer"),
            what => std::fs::write("flushed", what).map_err(|error| error.to_string()),
        }
    }

    #[lifecycle::component(phase = "disconnect")]
    fn close(&self) {
        println!("closed {}", self.0);
    }
}

#[lifecycle::main(init = init, flavor = current_thread)]
async fn main() -> Result<(), String> {
    let (scenario, times) = (argument(1), argument(2).parse().unwrap_or(u64::MAX));
    let run = run_of_process();
    tell(run);
    if run > times {
        println!("stays up");
        lifecycle::stopping().await;
        return Ok(());
    }
    match scenario.as_str() {
        "crash" => {}
        "dirty" => leave_everything_dirty(),
        "gone" => {
            while !Path::new("go").exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        "frozen" => {
            for buffer in argument(3).split_terminator(',') {
                lifecycle::manage(Buffer(String::from(buffer).leak()));
            }
            println!("frozen");
            std::thread::sleep(Duration::from_secs(3600));
        }
        other => panic!("no scenario {other:?}"),
    }
    Err(format!("run {run} failed"))
}
