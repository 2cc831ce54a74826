//! A future that is polled as a tracked task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "test")]
use super::on_poll;
use super::tracked::TrackedTask;

/// A future whose polls are known to be those of one task.
pub(crate) struct TrackedFuture<F> {
    pub(crate) task: &'static TrackedTask,
    pub(crate) future: F,
}

impl<F: Future + Unpin> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let task = self.task;
        let future = Pin::new(&mut self.future);
        #[cfg(feature = "test")]
        let poll =
            |context: &mut Context<'_>| on_poll::observed(task, context, |context| future.poll(context));
        #[cfg(not(feature = "test"))]
        let poll = |context: &mut Context<'_>| future.poll(context);
        task.polled(context, poll)
    }
}
