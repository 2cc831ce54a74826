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
use crate::restart::ledger::program::Program;
use crate::restart::luck::luck;
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
    /// Which build crashed; of an older version, unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<String>,
    /// What its failure asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
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
    pub(crate) fn answer(
        &self,
        crash: &Crash,
        program: &Program,
        record: &Record,
        now: &Moment,
    ) -> Option<Decision> {
        let (crash, program, waits) = (crash.clone(), program.clone(), waits(record, now));
        self.ask(move |shared| shared.answer(&crash, &program, &waits))
    }

    /// How long no replica of this build may try; zero too if Redis cannot be asked.
    pub(crate) fn retry_after(&self, program: &Program) -> Duration {
        if self.away.load(Relaxed) {
            // It was asked at this start already.
            return Duration::ZERO;
        }
        let program = program.clone();
        self.ask(move |shared| shared.retry_after(&program)).unwrap_or_default()
    }

    /// `None` if Redis does not answer, which is said once.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shared) -> Result<T, RedisError> + Send + 'static,
    ) -> Option<T> {
        let answer = self.ask_in_time(question);
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

    fn ask_in_time<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shared) -> Result<T, RedisError> + Send + 'static,
    ) -> Result<T, String> {
        let ((sender, receiver), shared) = (channel(), self.shared.clone());
        let asking = move || {
            let _ = sender.send(question(&shared));
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
    fn connect(&self) -> Result<(Connection, String), RedisError> {
        let client = Client::open(self.store.url.as_str())?;
        let connection = client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        Ok((connection, format!("lifecycle:crashes:{}", self.store.service)))
    }

    /// The longest that is left of what failures of the build asked for.
    fn retry_after(&self, program: &Program) -> Result<Duration, RedisError> {
        let (mut connection, key) = self.connect()?;
        let (now, members) = read(&mut connection, &key)?;
        let members = members.iter().filter_map(|(member, at)| Some((ours(member, program)?, *at)));
        Ok(members.map(|(member, at)| member.holds(now.saturating_sub(at))).max().unwrap_or_default())
    }

    fn answer(&self, crash: &Crash, program: &Program, waits: &[Wait]) -> Result<Decision, RedisError> {
        let (mut connection, key) = self.connect()?;
        for _ in 0..TRIES {
            if let Some(decision) = self.append(&mut connection, &key, (crash, program), waits)? {
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
        (crash, program): (&Crash, &Program),
        waits: &[Wait],
    ) -> Result<Option<Decision>, RedisError> {
        let (now, members) = read(connection, key)?;
        let known: Vec<(Member, u64)> = members
            .iter()
            .filter_map(|(member, at)| Some((ours(member, program)?, now.saturating_sub(*at))))
            .collect();
        let mut history: Vec<PastCrash> =
            known.iter().map(|(member, age)| member.past(*age, waits)).collect();
        history.push(PastCrash { age: Duration::ZERO, uptime: crash.uptime(), wait: Duration::ZERO });
        let decision = self.policy.spread(self.policy.decide(&history), luck());
        let member = Member::new(crash, decision).to_json();
        let newest = members.last().map_or("", |(member, _)| member);
        let expiry = self.expiry(&members, now, crash);
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

impl Shared {
    /// In milliseconds: twice as long as any crash can matter, by the window and the wait that does not count in it; and none
    /// is forgotten while what it asked for is not over.
    fn expiry(&self, members: &Members, now: u64, crash: &Crash) -> u64 {
        let rule = millis(self.policy.within.saturating_add(self.policy.max_wait)).saturating_mul(2);
        let left = |(member, at): &(String, u64)| Some(parse(member)?.holds(now.saturating_sub(*at)));
        let asked = members.iter().filter_map(left).max().max(crash.retry_after());
        rule.max(millis(asked.unwrap_or_default().min(self.policy.max_retry_after)))
    }
}

/// A wait that this replica spent: how long ago it began, and how long it was.
type Wait = (Duration, Duration);

fn waits(record: &Record, now: &Moment) -> Vec<Wait> {
    let spent = record.crashes.iter().filter(|crash| crash.waited_ms > 0);
    spent.map(|crash| (now.since(&crash.when), Duration::from_millis(crash.waited_ms))).collect()
}

type Members = Vec<(String, u64)>;

/// The server's time, and each member with its own.
fn read(connection: &mut Connection, key: &str) -> Result<(u64, Members), RedisError> {
    Script::new(READ).key(key).invoke(connection)
}

/// A member that is not ours to understand, of a version to come perhaps, is left out.
fn parse(member: &str) -> Option<Member> {
    serde_json::from_str(member).ok()
}

/// That of another build is left out, too.
fn ours(member: &str, program: &Program) -> Option<Member> {
    parse(member).filter(|member| program.is_build(member.build.as_deref()))
}

impl Member {
    fn new(crash: &Crash, decision: Decision) -> Member {
        Member {
            replica: process::hostname(),
            pid: crash.pid,
            at: humantime::format_rfc3339_millis(crash.when.at).to_string(),
            since_boot_ms: crash.when.since_boot_ms,
            cause: crash.cause.clone(),
            uptime_ms: crash.uptime_ms,
            wait_ms: millis(decision.wait),
            build: crash.build.clone(),
            retry_after_ms: crash.retry_after_ms,
        }
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers")
    }

    /// What is left of what its failure asked for.
    fn holds(&self, age_ms: u64) -> Duration {
        Duration::from_millis(self.retry_after_ms.unwrap_or_default().saturating_sub(age_ms))
    }

    fn past(&self, age_ms: u64, waits: &[Wait]) -> PastCrash {
        let age = Duration::from_millis(age_ms);
        // A moment more: the wait after a crash began when the shared_store knew of it already.
        let since = |(began, _): &&Wait| *began <= age + Duration::from_secs(1);
        let waited: Duration = waits.iter().filter(since).map(|(_, waited)| *waited).sum();
        PastCrash {
            age: age.saturating_sub(waited),
            uptime: Duration::from_millis(self.uptime_ms),
            wait: Duration::from_millis(self.wait_ms),
        }
    }
}
