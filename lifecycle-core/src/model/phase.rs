//! Phases: the coarse order of a shutdown.

use serde::Serialize;

/// A named stage of a shutdown; phases run by ascending rank, and by name where two ranks are equal.
///
/// ```
/// use lifecycle::Phase;
///
/// /// Spans are exported when state is safe, and before connections go.
/// pub const TELEMETRY: Phase = Phase::new("telemetry", 250);
///
/// assert!(Phase::PERSIST.rank() < TELEMETRY.rank() && TELEMETRY.rank() < Phase::DISCONNECT.rank());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Phase {
    rank: i32,
    name: &'static str,
}

impl Phase {
    /// No new work: strategies, consumers and acceptors stop. Rank 100; main and tracked tasks drain after it.
    pub const STOP: Phase = Phase::new("stop", 100);
    /// State is written down. Rank 200.
    pub const PERSIST: Phase = Phase::new("persist", 200);
    /// Connections are closed. Rank 300, and the default of `#[lifecycle::component]`.
    pub const DISCONNECT: Phase = Phase::new("disconnect", 300);

    /// A phase of your own. Hooks of ranks up to 100 run before the drain of main and tracked tasks, later ones after it.
    ///
    /// Two phases of one name and different ranks are refused at start-up (exit code 78).
    #[must_use]
    pub const fn new(name: &'static str, rank: i32) -> Phase {
        Phase { rank, name }
    }

    /// The name that plans and reports show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Where the phase comes in the shutdown: lower is earlier.
    #[must_use]
    pub const fn rank(self) -> i32 {
        self.rank
    }
}
