//! What is restarted, and how.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Starts it: in a folder, with the socket that is held for it.
type Start = Box<dyn Fn(&Path) -> Child>;

enum Restart {
    /// Asked for by a request; the process goes on, or is another image.
    Request,
    /// SIGTERM, and a new process once it is gone.
    Anew(Start),
    /// A signal, after which it loads its configuration again.
    Reload(libc::c_int),
}

pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    restart: Restart,
    folder: TempDir,
}

impl Server {
    fn start(address: SocketAddr, start: Start, restart: impl FnOnce(Start) -> Restart) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let child = start(folder.path());
        let server = Server { child, address, restart: restart(start), folder };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&self) {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody listens at {}", self.address);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn restart(&mut self) {
        match &self.restart {
            Restart::Request => {
                let mut connection = TcpStream::connect(self.address).expect("it listens");
                connection.write_all(b"GET /end HTTP/1.1\r\nConnection: close\r\n\r\n").expect("it reads");
                connection.read_to_end(&mut Vec::new()).expect("it answers");
            }
            Restart::Anew(start) => {
                signal(&self.child, libc::SIGTERM);
                self.child.wait().expect("a child of ours");
                self.child = start(self.folder.path());
            }
            Restart::Reload(number) => signal(&self.child, *number),
        }
    }

    pub(super) fn stop(mut self) {
        signal(&self.child, libc::SIGTERM);
        self.child.wait().expect("a child of ours");
    }
}

fn signal(child: &Child, number: libc::c_int) {
    // SAFETY: takes numbers only; the child was not waited for yet, so its id is still its own.
    unsafe { libc::kill(libc::pid_t::try_from(child.id()).expect("a pid"), number) };
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

fn configure(command: &mut Command, how: &str, folder: &Path) {
    let stderr = std::fs::File::create(folder.join("stderr")).expect("a file");
    command.current_dir(folder).stderr(stderr).stdout(Stdio::piped());
    command.env("LIFECYCLE_RESTART_MAX_CRASHES", "1000000");
    if how == "exec" || how == "hang" {
        command.env("LIFECYCLE_RESTART_MODE", "exec").env("LIFECYCLE_WATCHDOG_ON_HANG", "exec");
    }
}

/// Starts it. Its later lines are read by nobody and do not disturb it.
fn spawn(mut command: Command) -> Child {
    let mut child = command.spawn().expect("the service starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "up\n");
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    child
}

fn bench() -> std::path::PathBuf {
    std::env::current_exe().expect("its own path")
}

pub(super) fn ours(how: &'static str, socket: &'static str) -> Option<Server> {
    let address = free_address();
    let start = move |folder: &Path| {
        let mut command = Command::new(bench());
        command.args(["restarts", how, socket, &address.to_string()]).stdin(Stdio::null());
        configure(&mut command, how, folder);
        spawn(command)
    };
    let restart = |start| if how == "terminated" { Restart::Anew(start) } else { Restart::Request };
    Some(Server::start(address, Box::new(start), restart))
}

/// As systemd passes a socket: descriptor 3, and a word about it in the environment.
pub(super) fn activated() -> Option<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let start = move |folder: &Path| {
        let held = OwnedFd::from(listener.try_clone().expect("a descriptor"));
        let mut command = Command::new("sh");
        let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0 </dev/null";
        command.args(["-c", script]).arg(bench()).args(["restarts", "terminated", "listen"]);
        command.arg(address.to_string()).stdin(held);
        configure(&mut command, "terminated", folder);
        spawn(command)
    };
    Some(Server::start(address, Box::new(start), Restart::Anew))
}

pub(super) fn nginx() -> Option<Server> {
    let address = free_address();
    let configuration = format!(
        "daemon off; pid nginx.pid; worker_processes 1; events {{}}\n\
         http {{ access_log off; server {{ listen {address}; location / {{ return 200 \"$pid\"; }} }} }}\n"
    );
    reloaded(
        address,
        "nginx",
        configuration,
        &["-e", "stderr", "-p", ".", "-c", "configuration"],
        libc::SIGHUP,
    )
}

/// As its documentation has it: a master, whose workers hand on their sockets.
pub(super) fn haproxy() -> Option<Server> {
    let address = free_address();
    let configuration = format!(
        "global\n  stats socket unix@stats level admin expose-fd listeners\n\
         defaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n\
         frontend all\n  bind {address}\n  http-request return status 200 content-type text/plain lf-string %pid\n"
    );
    reloaded(address, "haproxy", configuration, &["-W", "-db", "-f", "configuration"], libc::SIGUSR2)
}

fn reloaded(
    address: SocketAddr,
    program: &'static str,
    configuration: String,
    arguments: &'static [&'static str],
    number: libc::c_int,
) -> Option<Server> {
    if !super::is_installed(program) {
        return None;
    }
    let start = move |folder: &Path| {
        std::fs::write(folder.join("configuration"), &configuration).expect("written");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    };
    Some(Server::start(address, Box::new(start), |_| Restart::Reload(number)))
}
