//! A real systemd in namespaces of its own: `tests/systemd/run-systemd.sh`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// As long as anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A booted systemd; ended when dropped.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    programs: String,
}

impl Machine {
    /// Boots one that sees the folder of `program`.
    ///
    /// # Errors
    /// Why there can be none here: the test is then skipped.
    ///
    /// # Panics
    /// If no temporary folder can be made.
    pub fn boot(program: &str) -> Result<Machine, String> {
        if !Path::new("/lib/systemd/systemd").exists() {
            return Err("the package systemd is not installed".into());
        }
        let programs = Path::new(program).parent().and_then(Path::to_str).expect("a folder");
        let name = Path::new(programs).file_name().and_then(|name| name.to_str()).expect("a name");
        let folder = tempfile::Builder::new().prefix("systemd").tempdir().expect("a folder");
        let machine = Machine { programs: format!("/opt/{name}"), folder };
        let output = machine.script().args(["start", programs]).output().expect("bash runs");
        if output.status.success() {
            return Ok(machine);
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("no namespaces can be made: {}", why.lines().last().unwrap_or_default()))
    }

    fn script(&self) -> Command {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/run-systemd.sh"));
        script.env("RUN_SYSTEMD_DIR", self.folder.path()).stdin(Stdio::null());
        script
    }

    /// The folder of the programs, as the machine sees it.
    #[must_use]
    pub fn programs(&self) -> &str {
        &self.programs
    }

    /// What a command says, and whether it succeeded.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn try_run<const N: usize>(&self, command: [&str; N]) -> (bool, String) {
        let output = self.script().arg("exec").args(command).output().expect("bash runs");
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.success(), text.concat())
    }

    /// What a command says.
    ///
    /// # Panics
    /// If it fails.
    #[allow(clippy::must_use_candidate, reason = "most commands are run for what they do")]
    pub fn run<const N: usize>(&self, command: [&str; N]) -> String {
        let (success, text) = self.try_run(command);
        assert!(success, "{command:?}: {text}{}", self.journal());
        text
    }

    /// Starts a command.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn start<const N: usize>(&self, command: [&str; N]) -> std::process::Child {
        let mut script = self.script();
        script.arg("exec").args(command).stdout(Stdio::piped()).spawn().expect("bash runs")
    }

    /// Writes a file.
    ///
    /// # Panics
    /// If that fails.
    pub fn write(&self, path: &str, text: &str) {
        let mut script = self.script();
        let command = format!("cat >{path}");
        let mut child =
            script.args(["exec", "sh", "-c", &command]).stdin(Stdio::piped()).spawn().expect("bash runs");
        child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        assert!(child.wait().expect("a child of ours").success(), "{path}");
    }

    /// Writes a unit of a program; `[Service]` has `lines`.
    ///
    /// # Panics
    /// If that fails.
    pub fn service(&self, name: &str, command: &str, lines: &str) {
        let unit = format!(
            "[Service]\nExecStart={}/{command}\nStateDirectory={name}\nWorkingDirectory=/var/lib/{name}\n{lines}\n",
            self.programs
        );
        self.write(&format!("/etc/systemd/system/{name}.service"), &unit);
        self.run(["systemctl", "daemon-reload"]);
    }

    /// A property of a unit.
    ///
    /// # Panics
    /// If there is no such unit.
    #[must_use]
    pub fn show(&self, unit: &str, property: &str) -> String {
        self.run(["systemctl", "show", "--value", "-p", property, unit]).trim().to_owned()
    }

    /// Waits until a property of a unit has a value.
    ///
    /// # Panics
    /// If it does not in a minute.
    pub fn wait_for(&self, unit: &str, property: &str, value: &str) {
        let until = Instant::now() + PATIENCE;
        while self.show(unit, property) != value {
            let is = self.show(unit, property);
            assert!(Instant::now() < until, "{unit}: {property} is {is}, not {value}\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Everything that was logged.
    ///
    /// # Panics
    /// If there is no journal.
    #[must_use]
    pub fn journal(&self) -> String {
        self.try_run(["journalctl", "--no-pager", "-o", "short-monotonic", "-n", "200"]).1
    }

    /// One connection from inside: the answer to a line, nothing if it was refused.
    #[must_use]
    pub fn ask(&self, port: u16) -> String {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo hello >&3 && cat <&3");
        self.try_run(["timeout", "50", "bash", "-c", &script]).1
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.script().arg("stop").output();
    }
}
