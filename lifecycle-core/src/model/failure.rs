//! Errors that say what to do about them: never try again, or not before a while is over.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use lifecycle_os::lock::lock;

/// What a failed run is answered with, instead of by the restart rule alone. The greatest of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meaning {
    /// Not before so much time is over.
    RetryAfter(Duration),
    /// Not at all.
    Permanent,
}

/// How many failures of each meaning are alive. The process owns it: an error type of the user's may wrap a `Failure` as it
/// likes, so nobody can find it there, and it does not know to which run or manager it belongs.
static ALIVE: Mutex<BTreeMap<Meaning, usize>> = Mutex::new(BTreeMap::new());

/// That of the failures that are alive now.
pub(crate) fn alive() -> Option<Meaning> {
    lock(&ALIVE).last_key_value().map(|(meaning, _)| *meaning)
}

/// Counted while it lives.
struct Counted(Meaning);

impl Counted {
    fn new(meaning: Meaning) -> Counted {
        *lock(&ALIVE).entry(meaning).or_default() += 1;
        Counted(meaning)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut alive = lock(&ALIVE);
        if let Some(count) = alive.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                alive.remove(&self.0);
            }
        }
    }
}

/// An error with a meaning for restarts, made by [`permanent`] and [`retry_after`].
///
/// It reads like the error that it wraps: the same `Display`, `Debug` and `source`. It may be wrapped in turn by any error
/// type (anyhow, eyre, `Box<dyn Error>`, an enum), since it is not looked for there: **what counts is that it is alive when
/// the run ends as failed**. One that was handled and dropped means nothing; one that is kept, say in a cache of the last
/// error, counts when something else fails. Of several that are alive a permanent one wins, then the longest wait.
///
/// ```
/// use std::time::Duration;
///
/// fn log_in(status: u16) -> Result<(), Box<dyn std::error::Error>> {
///     match status {
///         200 => Ok(()),
///         401 => Err(lifecycle::permanent("the API key is wrong"))?,
///         429 => Err(lifecycle::retry_after("too many requests", Duration::from_secs(30)))?,
///         other => Err(format!("status {other}"))?,
///     }
/// }
///
/// assert_eq!(log_in(401).unwrap_err().to_string(), "the API key is wrong");
/// ```
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    counted: Counted,
}

/// Says that trying again is of no use: a wrong key, a missing table, an account that is closed.
///
/// If it ends the run, from main, a task or `init`, the hooks run, the process exits with 78, and nothing is restarted. The
/// next start with the same build, arguments and environment says why and waits `max_wait` (5 min) from the failure on before
/// it tries; with another of them it starts at once.
///
/// ```
/// # fn read_key() -> Option<String> { Some(String::new()) }
/// fn key() -> Result<String, lifecycle::Failure> {
///     read_key().ok_or_else(|| lifecycle::permanent("API_KEY is not set"))
/// }
/// # assert!(key().is_ok());
/// ```
#[must_use = "it means something only while it is alive: return it"]
pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure { error: error.into(), counted: Counted::new(Meaning::Permanent) }
}

/// Says that trying again is of no use before `wait` is over, as a server says by `Retry-After`.
///
/// If it ends the run, main runs again once `wait` is over, counted from the end of the run, or once the restart rule's own
/// wait is over if that is longer. `restart(max_retry_after = "24h")` is the most that is waited. It is remembered by the
/// ledger, so it also holds for the next process and after a reboot, and by the store for all replicas. A signal ends the
/// wait, with exit code 0.
///
/// ```
/// use std::time::Duration;
///
/// fn check(status: u16, retry_after: u64) -> Result<(), lifecycle::Failure> {
///     match status {
///         429 => Err(lifecycle::retry_after("too many requests", Duration::from_secs(retry_after))),
///         _ => Ok(()),
///     }
/// }
/// # assert!(check(200, 0).is_ok() && check(429, 30).is_err());
/// ```
#[must_use = "it means something only while it is alive: return it"]
pub fn retry_after(error: impl Into<Box<dyn Error + Send + Sync>>, wait: Duration) -> Failure {
    Failure { error: error.into(), counted: Counted::new(Meaning::RetryAfter(wait)) }
}

impl Failure {
    /// The error that it wraps.
    ///
    /// ```
    /// let failure = lifecycle::permanent(std::io::Error::other("gone"));
    /// assert!(failure.get_ref().is::<std::io::Error>());
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The error that it wraps, without the meaning.
    ///
    /// ```
    /// let failure = lifecycle::permanent("gone");
    /// assert_eq!(failure.into_inner().to_string(), "gone");
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.error
    }

    /// Whether it was made by [`permanent`].
    ///
    /// ```
    /// assert!(lifecycle::permanent("gone").is_permanent());
    /// ```
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.counted.0 == Meaning::Permanent
    }

    /// The wait that [`retry_after`] was given.
    ///
    /// ```
    /// let wait = std::time::Duration::from_secs(30);
    /// assert_eq!(lifecycle::retry_after("busy", wait).wait(), Some(wait));
    /// assert_eq!(lifecycle::permanent("gone").wait(), None);
    /// ```
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self.counted.0 {
            Meaning::RetryAfter(wait) => Some(wait),
            Meaning::Permanent => None,
        }
    }
}

/// That of the error that it wraps.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

/// That of the error that it wraps: main's error is printed by it.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_comes_first_then_the_longest_wait() {
        let seconds = |seconds| Meaning::RetryAfter(Duration::from_secs(seconds));
        let mut meanings = vec![Some(seconds(3)), Some(Meaning::Permanent), None, Some(seconds(90))];
        meanings.sort();
        assert_eq!(meanings, [None, Some(seconds(3)), Some(seconds(90)), Some(Meaning::Permanent)]);
    }

    /// The only test of this crate that makes one: it sees what all of them do.
    #[test]
    fn what_was_dropped_means_nothing() {
        assert_eq!(alive(), None);
        let second = Duration::from_secs(1);
        let (first, longest) = (retry_after("x", second), retry_after("x", second * 9));
        let again = retry_after("x", second);
        assert_eq!(alive(), Some(Meaning::RetryAfter(second * 9)));
        let wrapped: Box<dyn Error + Send + Sync> = permanent(longest).into();
        assert_eq!(alive(), Some(Meaning::Permanent));
        drop(wrapped);
        assert_eq!(alive(), Some(Meaning::RetryAfter(second)));
        drop(first);
        assert_eq!(alive(), Some(Meaning::RetryAfter(second)));
        drop(again.into_inner());
        assert_eq!(alive(), None);
    }

    #[test]
    fn it_reads_like_what_it_wraps() {
        let made = |error: &'static str| std::io::Error::other(error);
        let failure = Failure { error: Box::new(made("gone")), counted: Counted(Meaning::Permanent) };
        let failure = std::mem::ManuallyDrop::new(failure);
        assert_eq!(
            (failure.to_string(), format!("{:?}", *failure)),
            ("gone".into(), format!("{:?}", made("gone")))
        );
        assert_eq!(failure.source().map(ToString::to_string), made("gone").source().map(ToString::to_string));
    }
}
