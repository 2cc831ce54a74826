//! A PostgreSQL and a Redis of the test's own, to be killed and frozen.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

/// A server that is killed with the test.
pub(crate) struct Server {
    folder: TempDir,
    command: Box<dyn Fn(&TempDir) -> Command>,
    child: Child,
}

impl Server {
    fn start(folder: TempDir, command: impl Fn(&TempDir) -> Command + 'static) -> Server {
        let child = spawn(&command, &folder);
        Server { folder, command: Box::new(command), child }
    }

    pub(crate) fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.command, &self.folder);
    }

    /// To it and its children, which PostgreSQL puts into groups of their own.
    pub(crate) fn signal(&self, signal: libc::c_int) {
        let parent = self.child.id();
        // They are listed before the first signal: a dead parent has no children.
        for pid in std::iter::once(parent).chain(children(parent)) {
            // SAFETY: takes numbers only.
            unsafe { libc::kill(pid.cast_signed(), signal) };
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Until it answers, not only listens.
    pub(crate) fn wait(&mut self, answers: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !answers() {
            assert!(Instant::now() < until, "the server does not answer\n{}", self.log());
            // A port or a lock of the one before may not be free yet.
            if self.child.try_wait().unwrap().is_some() {
                sleep(Duration::from_millis(200));
                self.restart();
            }
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.child.wait();
    }
}

fn spawn(command: impl Fn(&TempDir) -> Command, folder: &TempDir) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
    let mut command = command(folder);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).current_dir("/");
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        (rest.split_whitespace().nth(1)? == parent.to_string()).then_some(pid)
    };
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(is_child).collect()
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// PostgreSQL's programs are not on Debian's PATH.
fn postgres_program(name: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found =
        installed.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// PostgreSQL refuses to run as root.
fn as_server(mut command: Command) -> Command {
    if let Some(id) = server_id() {
        command.uid(id).gid(id);
    }
    command
}

fn server_id() -> Option<u32> {
    // SAFETY: only asks.
    (unsafe { libc::geteuid() } == 0).then_some(65_534)
}

pub(crate) fn postgres() -> (Server, String) {
    let (folder, port) = (TempDir::new().unwrap(), free_port().to_string());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    if let Some(id) = server_id() {
        chown(&data, Some(id), Some(id)).unwrap();
    }
    let mut initdb = Command::new(postgres_program("initdb"));
    initdb.arg("-D").arg(&data).args(["-U", "lifecycle", "-A", "trust", "-N"]).current_dir("/");
    let made = as_server(initdb).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let url = format!("postgres://lifecycle@127.0.0.1:{port}/postgres");
    let mut server = Server::start(folder, move |folder| {
        let mut postgres = Command::new(postgres_program("postgres"));
        postgres.arg("-D").arg(folder.path().join("data")).args([
            "-p",
            &port,
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        as_server(postgres)
    });
    server.wait(|| postgres_answers(&url));
    (server, url)
}

pub(crate) fn postgres_answers(url: &str) -> bool {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ping = async { AnyConnection::connect(url).await?.ping().await };
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(5), ping).await })
        .is_ok_and(|pong| pong.is_ok())
}

pub(crate) fn redis() -> (Server, String) {
    let (folder, port) = (TempDir::new().unwrap(), free_port().to_string());
    let url = format!("redis://127.0.0.1:{port}");
    let mut server = Server::start(folder, move |folder| {
        let mut redis = Command::new("redis-server");
        redis.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(folder.path());
        redis
    });
    server.wait(|| redis_answers(&url));
    (server, url)
}

pub(crate) fn redis_answers(url: &str) -> bool {
    let connection = redis::Client::open(url).unwrap().get_connection_with_timeout(Duration::from_secs(5));
    connection.is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
}

/// The account that is published, if one is.
pub(crate) fn published(url: &str) -> Option<String> {
    let mut connection =
        redis::Client::open(url).unwrap().get_connection_with_timeout(Duration::from_secs(5)).ok()?;
    redis::cmd("GET").arg("trading:account").query(&mut connection).ok()?
}
