//! Tests of a service, or of a piece of one, under a manager of its own: in paused time, without signals, without an exit,
//! beside others in one process. With the feature `test`.
//!
//! The free functions (`manage`, `spawn`, `is_running`, `shutdown`, …) speak to the manager of the test that they are
//! called in: from main, from what it spawns, and from its blocking threads. A thread that the service starts by itself
//! speaks to the process's. Time is tokio's, and paused: a hook that hangs costs no time. A service
//! with sockets or a database runs in [real time](Service::real_time). What blocks its thread blocks the
//! test.
//!
//! ```
//! use std::time::Duration;
//! use lifecycle::test::{Fault, Service};
//!
//! struct Store;
//!
//! impl Store {
//!     #[lifecycle::component(phase = "persist")]
//!     async fn flush(&self) {}
//!
//!     #[lifecycle::component(phase = "disconnect")]
//!     async fn close(&self) {}
//! }
//!
//! async fn app() {
//!     lifecycle::manage(Store);
//!     while lifecycle::is_running() {
//!         tokio::time::sleep(Duration::from_millis(100)).await; // … one tick …
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let report = Service::new(app).stop_after(Duration::from_secs(60)).run().await;
//! assert!(report.is_success(), "{report}");
//! let order = report.order();
//! let place = |name| order.iter().position(|hook| *hook == name).unwrap();
//! assert!(place("Store::flush") < place("Store::close"));
//!
//! // Stopped once at each of its polls.
//! Service::new(app)
//!     .stop_after(Duration::from_secs(1))
//!     .at_every_poll(|report| assert!(report.is_success(), "{report}"))
//!     .run()
//!     .await;
//!
//! // Each hook once hangs: the others run all the same.
//! let reports = Service::new(app).stop_after(Duration::from_secs(1)).each_hook(Fault::Hang).run().await;
//! assert!(reports.iter().all(|report| report.order().contains(&"Store::close")));
//! # });
//! ```

mod drill;
mod once;
mod polls;
mod script;
mod service;

pub use drill::Drill;
pub use script::Fault;
pub use service::Service;
