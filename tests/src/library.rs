//! A component that lives in a library crate: its hook must be found by every program that uses it.

/// A pool that says when it is closed.
#[derive(Debug)]
pub struct Pool;

impl Pool {
    #[lifecycle::component(order = 4)]
    async fn close(&self) {
        println!("library pool");
    }
}
