//! What the flight recorder saw last of a process that was killed, and what it probably died of.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::model::time::{Rounded, as_rfc3339, from_rfc3339};

/// What was last seen of a run whose process was killed, one tick of the watchdog before its end at most.
///
/// ```
/// if let Some(seen) = lifecycle::status().previous.and_then(|previous| previous.last_seen) {
///     println!("{seen}"); // memory 497 of 512 MiB and rising: probably out of memory
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastSeen {
    /// When.
    #[serde(serialize_with = "as_rfc3339", deserialize_with = "from_rfc3339")]
    pub at: SystemTime,
    /// How long before the start that found it.
    #[serde(rename = "ago_ms", with = "millis")]
    pub ago: Duration,
    /// What it probably died of.
    pub probably: Probably,
    /// In bytes: of its control group, without what the kernel can take back at once, else of the machine.
    pub memory: u64,
    /// In bytes: that of the control group, else the machine's memory; zero is not known.
    pub memory_limit: u64,
    /// Whether the memory grew in the last tick by more than a hundredth of the limit.
    pub rising: bool,
    /// In bytes: resident memory of the process itself.
    pub resident: u64,
    /// How many tenths of a per mille of the last 10 s something waited for memory (pressure stall information).
    pub memory_pressure: u64,
    /// Open descriptors; zero is not known.
    pub descriptors: u64,
    /// Its threads; zero is not known.
    pub threads: u64,
    /// The heartbeat that had used up the most of its time; empty if none was judged.
    pub heartbeat: String,
    /// How long it had not beaten.
    #[serde(rename = "stale_ms", with = "millis")]
    pub stale: Duration,
    /// What it was doing: `starting`, `running`, or the step of its shutdown.
    pub state: String,
    /// The last text of [`note!`](crate::note); empty if there was none.
    pub note: String,
}

/// What a process probably died of, by what was last seen of it.
///
/// ```
/// use lifecycle::Probably;
///
/// let needs_more_memory = |probably: Probably| probably == Probably::OutOfMemory;
/// assert!(!needs_more_memory(Probably::Stopped));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Probably {
    /// Memory was near its limit, or the kernel has killed a process of its control group for it.
    OutOfMemory,
    /// A heartbeat was stale beyond half of its time.
    Frozen,
    /// The machine was started anew since.
    Reboot,
    /// All was quiet: somebody killed it.
    Stopped,
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    pub(super) use crate::model::plan::as_millis as serialize;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Why, and what it was doing: one line.
impl fmt::Display for LastSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = Memory(self);
        match self.probably {
            Probably::OutOfMemory => write!(f, "{memory}: probably out of memory")?,
            Probably::Frozen => {
                let stale = Rounded(self.stale);
                write!(
                    f,
                    "heartbeat `{}` had not beaten for {stale}, {memory}: probably frozen",
                    self.heartbeat
                )?;
            }
            Probably::Reboot => {
                write!(f, "{memory}: the machine was started anew since, so it probably went down with it")?;
            }
            Probably::Stopped => write!(f, "all quiet, {memory}: probably killed by somebody")?,
        }
        if self.state != "running" {
            write!(f, "; it was {}", self.state)?;
        }
        if self.note.is_empty() { Ok(()) } else { write!(f, "; last note: {}", self.note) }
    }
}

struct Memory<'a>(&'a LastSeen);

impl fmt::Display for Memory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes >> 20;
        let LastSeen { memory, memory_limit, resident, rising, .. } = self.0;
        match memory_limit {
            0 => write!(f, "memory {} MiB", mebibytes(*resident))?,
            limit => write!(f, "memory {} of {} MiB", mebibytes(*memory), mebibytes(*limit))?,
        }
        if *rising { f.write_str(" and rising") } else { Ok(()) }
    }
}
