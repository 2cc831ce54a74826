//! A future that is polled as a tracked task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        task.polled(context, |context| future.poll(context))
    }
}
