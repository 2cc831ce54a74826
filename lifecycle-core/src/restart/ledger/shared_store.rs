//! Crashes that replicas share, in Redis: ten of them on one API key make no forty attempts.
//!
//! One sorted set a service, `lifecycle:crashes:<service>`: the score is the server's time in milliseconds, a member is a
//! crash in JSON. The rule stays in Rust; a script adds a crash only if nobody else has added one since it was decided.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use redis::{Client, Connection, RedisError, Script};
use serde::{Deserialize, Serialize};

use crate::config::resolve::{Restart, RestartPolicy};
use crate::config::store::Store;
use crate::os::clock::Moment;
use crate::os::clock::millis;
use crate::os::{log, process};
use crate::restart::ledger::crash::Crash;
use crate::restart::ledger::format::Record;
use crate::restart::policy::{Decision, PastCrash};

/// What a start waits for Redis, whatever the network does.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What one connection, and one answer, may take.
const CONNECT: Duration = Duration::from_millis(1000);
const ANSWER: Duration = Duration::from_millis(500);

/// Crashes that are kept: as many as in a ledger.
const KEPT: usize = 100;

/// Replicas that crash in the same millisecond decide one after the other.
const TRIES: usize = 50;

const READ: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}";

/// `ARGV`: the newest member that was seen, or nothing; the new one; its time; how many are kept; expiry in milliseconds.
const APPEND: &str = "
local newest = redis.call('ZRANGE', KEYS[1], -1, -1)[1] or ''
if newest ~= ARGV[1] then return 0 end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or 0
redis.call('ZADD', KEYS[1], math.max(tonumber(ARGV[3]), tonumber(last) + 1), ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1";

/// A crash as the shared_store remembers it.
#[derive(Serialize, Deserialize)]
struct Member {
    replica: String,
    pid: u32,
    /// By the replica's own clocks; it tells two crashes of one replica apart.
    at: String,
    since_boot_ms: u64,
    cause: String,
    uptime_ms: u64,
    wait_ms: u64,
}

/// The store of a service.
pub(crate) struct SharedStore {
    shared: Arc<Shared>,
    /// Redis was not there when it was last asked: said once.
    away: AtomicBool,
}

struct Shared {
    store: Store,
    policy: RestartPolicy,
}

impl SharedStore {
    pub(crate) fn new(restart: &Restart) -> Option<SharedStore> {
        let (store, policy) = (restart.store.clone()?, restart.policy);
        Some(SharedStore { shared: Arc::new(Shared { store, policy }), away: AtomicBool::new(false) })
    }

    /// Adds a crash of this replica to the shared_store's and decides about it; `None` if Redis cannot be asked.
    /// `record` knows which waits this replica has spent: they do not count as time.
    pub(crate) fn answer(&self, crash: &Crash, record: &Record, now: &Moment) -> Option<Decision> {
        let answer = self.ask(crash.clone(), waits(record, now));
        let was_away = self.away.swap(answer.is_err(), Relaxed);
        match &answer {
            Err(reason) if !was_away => log::warn(format!(
                "restart store {}: {reason}: crashes are counted by this replica alone until it answers",
                self.shared.store
            )),
            Ok(_) if was_away => log::info(format!("restart store {} answers again", self.shared.store)),
            _ => {}
        }
        answer.ok()
    }

    fn ask(&self, crash: Crash, waits: Vec<Wait>) -> Result<Decision, String> {
        let ((sender, receiver), shared) = (channel(), self.shared.clone());
        let asking = move || {
            let _ = sender.send(shared.ask(&crash, &waits));
        };
        let thread = std::thread::Builder::new().name("lifecycle-redis".into()).spawn(asking);
        thread.map_err(|error| format!("its thread cannot be started: {error}"))?;
        match receiver.recv_timeout(TIMEOUT) {
            Ok(answer) => answer.map_err(|error| self.shared.store.redact(&error.to_string())),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {TIMEOUT:?}")),
            Err(RecvTimeoutError::Disconnected) => Err("the thread that asked it panicked".into()),
        }
    }
}

impl Shared {
    fn ask(&self, crash: &Crash, waits: &[Wait]) -> Result<Decision, RedisError> {
        let client = Client::open(self.store.url.as_str())?;
        let mut connection = client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let key = format!("lifecycle:crashes:{}", self.store.service);
        for _ in 0..TRIES {
            if let Some(decision) = self.append(&mut connection, &key, crash, waits)? {
                return Ok(decision);
            }
        }
        Err((redis::ErrorKind::Client, "too many replicas crash at once").into())
    }

    /// Decides by what the store has now; `None` if another replica was faster.
    fn append(
        &self,
        connection: &mut Connection,
        key: &str,
        crash: &Crash,
        waits: &[Wait],
    ) -> Result<Option<Decision>, RedisError> {
        let (now, members): (u64, Vec<(String, u64)>) = Script::new(READ).key(key).invoke(connection)?;
        let mut history: Vec<PastCrash> =
            members.iter().filter_map(|(member, at)| past(member, now.saturating_sub(*at), waits)).collect();
        history.push(PastCrash { age: Duration::ZERO, uptime: crash.uptime(), wait: Duration::ZERO });
        let decision = self.policy.decide(&history);
        let member = serde_json::to_string(&Member {
            replica: process::hostname(),
            pid: crash.pid,
            at: humantime::format_rfc3339_millis(crash.when.at).to_string(),
            since_boot_ms: crash.when.since_boot_ms,
            cause: crash.cause.clone(),
            uptime_ms: crash.uptime_ms,
            wait_ms: millis(decision.wait),
        })
        .expect("texts and numbers");
        let newest = members.last().map_or("", |(member, _)| member);
        // Twice as long as any crash can matter: the window, and the wait that does not count in it.
        let expiry = millis(self.policy.within.saturating_add(self.policy.max_wait)).saturating_mul(2);
        let added: bool = Script::new(APPEND)
            .key(key)
            .arg(newest)
            .arg(member)
            .arg(now)
            .arg(KEPT)
            .arg(expiry)
            .invoke(connection)?;
        Ok(added.then_some(decision))
    }
}

/// A wait that this replica spent: how long ago it began, and how long it was.
type Wait = (Duration, Duration);

fn waits(record: &Record, now: &Moment) -> Vec<Wait> {
    let spent = record.crashes.iter().filter(|crash| crash.waited_ms > 0);
    spent.map(|crash| (now.since(&crash.when), Duration::from_millis(crash.waited_ms))).collect()
}

/// A member that is not ours to understand, of a version to come perhaps, is left out.
fn past(member: &str, age_ms: u64, waits: &[Wait]) -> Option<PastCrash> {
    let member: Member = serde_json::from_str(member).ok()?;
    let age = Duration::from_millis(age_ms);
    // A moment more: the wait after a crash began when the shared_store knew of it already.
    let since = |(began, _): &&Wait| *began <= age + Duration::from_secs(1);
    let waited: Duration = waits.iter().filter(since).map(|(_, waited)| *waited).sum();
    Some(PastCrash {
        age: age.saturating_sub(waited),
        uptime: Duration::from_millis(member.uptime_ms),
        wait: Duration::from_millis(member.wait_ms),
    })
}
