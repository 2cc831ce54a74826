//! What kinds of heartbeats there are.

/// When a heartbeat is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// From the start of the run, with the start-up limit until its first beat.
    Start,
    /// From its first beat.
    FirstBeat,
    /// While a call is under way.
    Call,
}

/// Who beats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The calls of an annotated function.
    Annotated,
    /// Code of the user's.
    Manual,
    /// The probe that beats from inside the runtime.
    Runtime,
    /// The `init` function, which never beats.
    Init,
}
