//! What a report says of one thread or task.

use lifecycle_os::text::Text;

use super::Cause;

/// What a report says of one thread or task.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Finding {
    pub(crate) cause: Cause,
    /// A task that waits where the stale heartbeat left its breadcrumb.
    pub(crate) is_at_crumb: bool,
    /// It runs on a thread of the runtime's, or of ours: a culprit sooner than one on a thread of its own.
    pub(crate) is_service: bool,
    /// The user's function and its place.
    pub(crate) function: Text<96>,
    pub(crate) place: Text<200>,
    /// The file descriptor that it is about, or -1, and what that is.
    pub(crate) descriptor: i32,
    pub(crate) object: Text<160>,
    /// The address of the lock that it is about, or 0.
    pub(crate) lock: u64,
    /// The user's frames, hashed.
    pub(crate) user: u64,
    /// All frames, hashed: equal stacks are shown once.
    pub(crate) stack: u64,
}

impl Finding {
    pub(crate) const NONE: Finding = Finding {
        cause: Cause::Idle,
        is_at_crumb: false,
        is_service: false,
        function: Text::new(),
        place: Text::new(),
        descriptor: -1,
        object: Text::new(),
        lock: 0,
        user: 0,
        stack: 0,
    };
}
