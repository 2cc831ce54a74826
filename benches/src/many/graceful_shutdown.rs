//! tokio-graceful-shutdown: a subsystem each; stopped from inside, as its example `10_request_shutdown` says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use miette::Result;
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

use super::Times;
use super::crowd::{Component, all_started, started};

pub(super) async fn run<C: Component>(count: usize) -> Times {
    let times = Arc::new(Mutex::new(Times::begin()));
    let inside = times.clone();
    Toplevel::new(async move |subsys: &mut SubsystemHandle| {
        for number in 0..count {
            let component = C::new(number);
            subsys.start(SubsystemBuilder::new("component", async move |subsys: &mut SubsystemHandle| {
                started(count);
                subsys.on_shutdown_requested().await;
                component.close().await;
                Result::<()>::Ok(())
            }));
        }
        all_started().await;
        inside.lock().expect("nobody panics with it").started();
        subsys.request_shutdown();
    })
    .handle_shutdown_requests(Duration::from_secs(25))
    .await
    .expect("it is in time");
    let mut times = times.lock().expect("nobody panics with it").clone();
    times.stopped();
    times
}
