//! The messages. `ping` and `trigger` may be called while the process is broken.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use crate::os::clock::monotonic_ns;
use crate::os::environment;
use crate::os::service_manager::{connect, deliver, send};

/// Bytes of a status; the rest is cut.
const LONGEST_STATUS: usize = 500;

/// What systemd gives a unit to come up, unless its file says otherwise: main has it after a wait, too.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// Microseconds within which systemd wants a sign of life; 0 if it wants none. Set once, at the start.
static WATCHDOG_USEC: AtomicU64 = AtomicU64::new(0);

static IS_STOPPING: AtomicBool = AtomicBool::new(false);

/// Takes what systemd has written into the environment, which is for this process alone. Returns a warning.
pub(crate) fn start() -> Option<String> {
    let [socket, usec, pid] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].map(environment::take);
    let socket = socket.filter(|socket| !socket.is_empty())?;
    if let Err(error) = connect(&socket) {
        return Some(format!(
            "NOTIFY_SOCKET={}: {error}: systemd is not told anything",
            socket.to_string_lossy()
        ));
    }
    let number = |value: Option<std::ffi::OsString>| value?.to_str()?.parse::<u64>().ok();
    let is_ours = pid.is_none() || number(pid) == Some(std::process::id().into());
    WATCHDOG_USEC.store(number(usec).filter(|_| is_ours).unwrap_or(0), Relaxed);
    None
}

/// The service is up.
pub(crate) fn ready() {
    deliver(b"READY=1\nSTATUS=running");
}

/// Main has failed, and is shut down: it may run again.
pub(crate) fn restarting(cause: &str, budget: Duration) {
    say("", &format!("restarting: {cause}"), Some(budget));
}

/// The process is about to end, in `budget` at the latest. Said once.
pub(crate) fn stopping(cause: &str, budget: Duration) {
    if !IS_STOPPING.swap(true, Relaxed) {
        say("STOPPING=1\n", &format!("stopping: {cause}"), Some(budget));
    }
}

/// Main runs again after the wait, and then has the usual time to come up.
pub(crate) fn backing_off(wait: Duration) {
    let wait_text = humantime::format_duration(Duration::from_secs(wait.as_secs_f64().ceil() as u64));
    let text = format!("backing off: main runs again in {wait_text}");
    say("", &text, Some(wait.saturating_add(START_TIMEOUT)));
}

/// A new configuration is being read.
pub(crate) fn reloading() {
    deliver(format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading", monotonic_ns() / 1000).as_bytes());
}

/// It was read, or was refused and changed nothing. A stop has the last word.
pub(crate) fn reloaded() {
    if !IS_STOPPING.load(Relaxed) {
        ready();
    }
}

/// How often `ping` is to be called: twice as often as systemd wants it.
pub(crate) fn ping_interval() -> Option<Duration> {
    let usec = WATCHDOG_USEC.load(Relaxed);
    (usec > 0).then(|| Duration::from_micros(usec / 2))
}

/// Every heartbeat is fresh. Neither allocates nor blocks: one that is lost is followed by another.
pub(crate) fn ping() {
    send(b"WATCHDOG=1");
}

/// A heartbeat has expired: systemd is to note a failure of the watchdog.
pub(crate) fn trigger() {
    if ping_interval().is_some() {
        send(b"WATCHDOG=trigger");
    }
}

fn say(message: &str, status: &str, extend: Option<Duration>) {
    let mut text = format!("{message}STATUS={}", line(status));
    if let Some(extend) = extend {
        text.push_str(&format!("\nEXTEND_TIMEOUT_USEC={}", extend.as_micros()));
    }
    deliver(text.as_bytes());
}

/// One line, of a length that fits into a message.
fn line(status: &str) -> String {
    let text = crate::os::text::prefix(status, LONGEST_STATUS);
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_short_line() {
        assert_eq!(line("a\nREADY=1\tb"), "a READY=1 b");
        assert_eq!(line(&"ü".repeat(1000)).len(), LONGEST_STATUS);
    }
}
