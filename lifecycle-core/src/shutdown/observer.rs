//! What a shutdown reports while it runs.

/// Handles signals during a shutdown, and hears of hooks that will be late.
pub(crate) trait Observer {
    /// Called before each wait.
    fn handle_events(&mut self);
    /// A hook of this step will be late, most likely.
    fn timeout_is_near(&mut self);
    /// The step is over; whether a hook was late.
    fn step_is_over(&mut self, was_late: bool);
}
