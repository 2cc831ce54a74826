//! System lifecycle manager for tokio services: ordered graceful shutdown, crash-loop back-off and a dead man's switch.
//!
//! A service annotates what it has already:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! struct Database;
//!
//! impl Database {
//!     #[lifecycle::component(order = 3, phase = "disconnect")]
//!     async fn close(&self) -> Result<(), std::io::Error> {
//!         Ok(()) // … close the pool …
//!     }
//! }
//!
//! struct Scheduler {
//!     database: Arc<Database>,
//! }
//!
//! impl Scheduler {
//!     #[lifecycle::heartbeat]
//!     async fn tick(&self) {
//!         // … one round of work …
//!     }
//! }
//!
//! #[lifecycle::main]
//! async fn main() {
//!     let database = lifecycle::manage(Database);
//!     let scheduler = Scheduler { database };
//!     while lifecycle::is_running() {
//!         scheduler.tick().await;
//!     }
//! }
//! ```
//!
//! On SIGTERM or Ctrl-C [`is_running`] turns false, phase by phase every hook runs inside one deadline,
//! and the process exits with 0. A main that fails is shut down the same way and run again, at once or after a wait
//! that grows. A heartbeat that stops for a minute ends the process, so that the platform restarts it.
//!
//! # A crate that is never named is not linked
//! Hooks register themselves at link time. `rustc` does not load a dependency that no line of your program names, and
//! its hooks are then missing: write `use my_jobs as _;`. The plan that is logged at start-up, and printed by
//! `LIFECYCLE_PLAN=1`, shows what was found.

#[doc(hidden)]
pub use lifecycle_core::__private;
pub use lifecycle_core::{
    Busy, Cause, Ending, Failure, Flavor, Hangup, Heartbeat, HeartbeatPause, HeartbeatStatus, HookReport,
    HookResult, LastSeen, LifecycleManager, ListenAddress, ListenOptions, OnHang, OnStop, Options,
    PanicsTolerated, Phase, Place, Plan, PlannedHook, PlannedTask, PreviousRun, Probably, Readiness, Reloads,
    Report, RestartMode, RestartOptions, RuntimeBuilder, RuntimeResult, Service, Signal, SocketStatus, State,
    Status, StopHook, TaskReport, TaskResult, WatchdogOptions, WorkerStatus, busy, deadline, hang_report,
    is_running, ledger, listen, listen_named, manage, manage_arc, note, on_stop, permanent, plan, ready,
    release, reloads, retry_after, shutdown, spawn, spawn_blocking, status, stopping, token, tolerate_panics,
    track, watchdog,
};

#[cfg(unix)]
pub use lifecycle_core::listen_unix;
#[cfg(feature = "axum")]
pub use lifecycle_core::probes_router;
#[cfg(feature = "metrics")]
pub use lifecycle_core::record_metrics;
#[cfg(feature = "test")]
pub use lifecycle_core::test;
#[cfg(feature = "tower")]
pub use lifecycle_core::{InFlight, InFlightBody, InFlightFuture, InFlightLayer, in_flight};
// The function of the attribute's name.
#[doc(inline)]
pub use lifecycle_core::reload;

/// Registers a method or a free function as a hook of the shutdown; nothing else has to name it.
///
/// On an inherent method with `&self` or `self: Arc<Self>`, or a free function without parameters, `async` or not, that
/// returns `()` or `Result<(), E>` with `E: Display`. An instance takes part once it was handed to [`manage`]; a free
/// function always does. A type may carry several hooks. `async` hooks run as tasks of the service's runtime, others on
/// a blocking thread. An error or a panic is reported and the rest runs all the same.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `order = 3` | 0 | ascending inside the phase; equal orders run concurrently |
/// | `phase = "persist"` | `"disconnect"` | `"stop"`, `"persist"`, `"disconnect"`, or the path of a [`Phase`] of your own |
/// | `timeout = "10s"` | `"5s"` | after it the hook is dropped and reported as timed out, and the next step begins |
/// | `name = "…"` | `Type::method` | what plans and reports show |
/// | `on_hang = true` | `false` | called before a hang ends the process, too; on a hook that is not `async` |
/// | `crate = ::path` | found by itself | where this crate is, if only another crate re-exports it |
///
/// After a hang no hook runs, since what hangs may hold what they need, but those with `on_hang = true`:
/// such as one that writes a buffer to its file. They run one after the other on a thread of their own, in the order of
/// the plan, and have one second in all; then the process ends, whatever they do. Errors and panics go to stderr.
///
/// A method of a generic `impl`, of a trait or of a trait `impl` cannot be registered: the compile error says what to write
/// instead.
///
/// ```
/// use std::sync::Arc;
/// use lifecycle::Phase;
///
/// const TELEMETRY: Phase = Phase::new("telemetry", 250);
///
/// struct Recorder;
///
/// impl Recorder {
///     #[lifecycle::component(phase = "persist", timeout = "10s", on_hang = true)]
///     fn flush(&self) -> Result<(), String> {
///         Ok(())
///     }
///
///     #[lifecycle::component(order = -1, name = "recorder's file")]
///     fn close(self: Arc<Self>) {}
/// }
///
/// #[lifecycle::component(phase = TELEMETRY)]
/// async fn export_spans() {}
///
/// let plan = lifecycle::plan();
/// let place = |name: &str| plan.hooks.iter().position(|hook| hook.name == name);
/// assert!(place("Recorder::flush").is_some());
/// assert!(place("Recorder::flush") < place("export_spans"));
/// assert!(place("export_spans") < place("recorder's file"));
/// ```
pub use lifecycle_macros::component;

/// Makes a function a sign of life: it beats when a call begins, in each round of its loops, and when it ends, and leaves
/// a breadcrumb at each `.await`.
///
/// The rounds are those of the outermost `for`, `while` and `loop`s of the body: a round of an outer loop that lasts, such
/// as one connection, is best a function of its own. For a handler that is called rarely write `arm = "call"`.
///
/// Every call is judged by beats of its own, so that one that is stuck is found although others beat: a call that may last
/// longer than `timeout` must beat in a loop. A function that calls itself is judged as a whole.
///
/// On any function, `async` or not, generic or not, in an `impl` of any kind; under `#[async_trait]` too. When the
/// watchdog has counted `timeout` without a beat it writes `CRITICAL 🚨 System Hang Detected` with the name, the age and
/// the `.await` that the function was last at, a hang report of every thread and task, and the process exits with 1. Half of
/// the time is a warning, with the same report in short.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `timeout = "20s"` | the watchdog's, 60 s | the longest time between two beats, at least 50 ms |
/// | `name = "…"` | `module::path::function` | what messages call it: an attribute on a method alone cannot see the type |
/// | `arm = "first_beat"`, `"call"` | `"start"` | judged from the start of the run, with the start-up limit; from its first beat; or only while a call is under way |
/// | `crate = ::path` | found by itself | where this crate is, if only another crate re-exports it |
///
/// Breadcrumbs are left for awaits that stand in the body itself, not for those inside of nested closures, `async`
/// blocks, or macros such as `select!`. For a long legitimate operation see [`watchdog::pause`].
///
/// ```
/// use lifecycle::heartbeat;
///
/// struct Scheduler;
///
/// impl Scheduler {
///     #[heartbeat(timeout = "20s")]
///     async fn tick(&self) {
///         tokio::task::yield_now().await;
///     }
/// }
///
/// #[heartbeat(name = "orders", arm = "first_beat")]
/// fn poll_orders<T: Default>() -> T {
///     T::default()
/// }
///
/// #[heartbeat(arm = "call")]
/// async fn on_message(text: &str) {
///     println!("{text}");
/// }
///
/// #[heartbeat]
/// fn drain_queue(queue: &mut Vec<u64>) {
///     while let Some(_order) = queue.pop() {} // each round beats
/// }
/// # let _: u8 = poll_orders();
/// # drain_queue(&mut vec![1]);
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(Scheduler.tick());
/// # runtime.block_on(on_message("one"));
/// ```
pub use lifecycle_macros::heartbeat;

/// Registers a method or a free function that reads something again: it is called by each reload.
///
/// A reload is asked for by [`reload()`](fn@reload), and by SIGHUP (see `on_hangup` of [`main`](macro@main)). Hooks are called for
/// each managed instance, by ascending order; those of one order run concurrently. The first order in which one fails,
/// panics or is late is the last: it is reported, and what was in force before stays. The shapes are those of
/// [`component`](macro@component).
///
/// | option | default | meaning |
/// |---|---|---|
/// | `order = 3` | 0 | ascending; equal orders run concurrently |
/// | `timeout = "10s"` | `"5s"` | after it the hook is dropped, and the reload has failed |
/// | `name = "…"` | `Type::method` | what logs and hang reports show |
/// | `crate = ::path` | found by itself | where this crate is, if only another crate re-exports it |
///
/// ```
/// use std::sync::RwLock;
///
/// struct Certificates {
///     current: RwLock<Vec<u8>>,
/// }
///
/// impl Certificates {
///     #[lifecycle::reload(order = -1, timeout = "10s")]
///     async fn read(&self) -> Result<(), std::io::Error> {
///         *self.current.write().unwrap() = vec![1]; // … from the file …
///         Ok(())
///     }
/// }
/// # let certificates = lifecycle::manage(Certificates { current: RwLock::default() });
/// # lifecycle::release(&certificates);
/// ```
pub use lifecycle_macros::reload;

/// Makes an `async` method, or a free `async fn` without parameters, a background task of the service.
///
/// A method is spawned for each instance when it is managed; a free function once main's body begins. Both are tracked as
/// those of [`spawn`]: they may return in the drain of a shutdown if they check for it, and their panic or error ends the
/// run as a failure. With `restart(…)` the task is restarted alone, first: only one failure more than `max_restarts` within
/// `within` ends the run. [`Status`] counts the restarts.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "…"` | `Type::method` | what reports show |
/// | `restart(max_restarts = 3, within = "1m", wait = "1s", max_wait = "1m")`, or `restart = true` | none: the first failure ends the run | the wait before the first restart doubles with each, up to `max_wait` |
/// | `crate = ::path` | found by itself | where this crate is, if only another crate re-exports it |
///
/// ```
/// struct Feed;
///
/// impl Feed {
///     #[lifecycle::task(restart(max_restarts = 5, wait = "500ms"))]
///     async fn run(&self) -> Result<(), std::io::Error> {
///         while lifecycle::is_running() {
///             // … connect, and one message after the other …
///             # break;
///         }
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let feed = lifecycle::manage(Feed); // runs from here on
/// assert!(lifecycle::status().tasks.iter().any(|task| task == "Feed::run"));
/// # });
/// ```
pub use lifecycle_macros::task;

/// Makes `fn main`, `async` or not, the body of a managed service: signals, ordered shutdown, restarts, watchdog, exit code.
///
/// Main returns `()` or `Result<(), E>` with `E: Debug`, printed as std's main does. Each option has an environment
/// variable that wins over it; a wrong value there is exit code 78, with a text that names it, and nothing is started.
///
/// | option | default | environment |
/// |---|---|---|
/// | `shutdown_timeout = "25s"` | 25 s, the whole shutdown | `LIFECYCLE_SHUTDOWN_TIMEOUT` |
/// | `drain = "5s"` | 5 s for main and tracked tasks to return | `LIFECYCLE_DRAIN` |
/// | `drain_delay = "0s"` | after a signal the service is not ready any more, and still works for this long: for load balancers. Part of `shutdown_timeout` | `LIFECYCLE_DRAIN_DELAY` |
/// | `ready = "explicit"` | `"implied"`: ready at the first heartbeat, after a second, or by [`ready()`](fn@ready); `"explicit"`: by the call alone | `LIFECYCLE_READY` |
/// | `on_hangup = "stop"`, `"reload"` or `"ignore"` | what SIGHUP does: a reload where anything would hear of it; else it is ignored under systemd and a stop elsewhere | `LIFECYCLE_ON_HANGUP` |
/// | `panic = "end"` | `"report"`: a panic outside of main and tracked tasks is warned about once; `"end"`: it ends the run as a failure | `LIFECYCLE_PANIC` |
/// | `restart(max_crashes = 3, within = "5m", wait = "60s", factor = 2, max_wait = "5m", first_wait = "0s", jitter = 0.0, max_retry_after = "24h", file = ".restart_count")`, or `restart = false` | as written | `LIFECYCLE_RESTART_MAX_CRASHES`, `…_WITHIN`, `…_WAIT`, `…_FACTOR`, `…_MAX_WAIT`, `…_FIRST_WAIT`, `…_JITTER`, `…_MAX_RETRY_AFTER`, `…_FILE`, `LIFECYCLE_RESTART=off` |
/// | `restart(mode = "exec")` | `"task"`: a crash runs main again in this process; `"exec"`: the program is re-executed, see below | `LIFECYCLE_RESTART_MODE` |
/// | `restart(store = "redis://host:6379/0", service = "orders")` | none: a Redis in which replicas share their crashes, with the feature `redis`; the service's name there is that of the executable's file | `LIFECYCLE_RESTART_STORE`, `LIFECYCLE_RESTART_SERVICE` |
/// | `watchdog(timeout = "60s", startup = "60s")`, or `watchdog = false` | as written | `LIFECYCLE_WATCHDOG_TIMEOUT`, `LIFECYCLE_WATCHDOG_STARTUP`, `LIFECYCLE_WATCHDOG=off` |
/// | `probes = "0.0.0.0:8080"` | off; where `/livez`, `/readyz`, `/metrics` and others are answered, with the feature `http`; `ready` must be written, too | `LIFECYCLE_PROBES` |
/// | `watchdog(on_hang = "exec")` | `"exit"`: a hang ends the process with 1; `"exec"`: the program is re-executed; needs restarts; `"abort"`: SIGABRT, for a core dump | `LIFECYCLE_WATCHDOG_ON_HANG` |
/// | `watchdog(worker = "10s")` | 10 s: a poll of any task that keeps a worker busy for longer is a warning with its stack | `LIFECYCLE_WATCHDOG_WORKER` |
/// | `init = path::to::function` | none: run once per process image, before the runtime, not again when main runs again in it; returns `()`, a guard that lives until the last line was logged, or a `Result` of one of them | |
/// | `runtime = path::to::function` | none: makes the `tokio::runtime::Builder` of each run, instead of the next two | |
/// | `flavor = multi_thread` or `current_thread`, `worker_threads = 4` | tokio's | |
/// | `crate = ::path` | found by itself, also under another name | |
///
/// `LIFECYCLE_PLAN=1` prints the plan and exits with 0 without running main. `LIFECYCLE_HANG_REPORT=path` adds every hang
/// report to that file, too; `LIFECYCLE_HANG_FRAMES=full` folds no frames in them (see [`hang_report`]).
///
/// # Re-exec
/// With `mode = "exec"` a crash is shut down and recorded as ever, and then the process replaces its image by the
/// executable that runs (`execve`), with the arguments, the environment, the working directory and the ignored signals
/// that it was started with, under the same pid. So nothing of the crashed run is left: no thread, no task, no static,
/// no subscriber, no socket but those of [`listen`]; and the platform counts no restart. The re-executed program does what every start does: **`init` runs
/// again**, and a wait that is due is waited there. A signal that arrives in between is not lost. A file that was
/// deleted or replaced on disk does not matter: what runs goes on. With `watchdog(on_hang = "exec")` a hang of main or
/// of a heartbeat, not of `init`, is answered in this way, unless a shutdown has begun.
///
/// It needs a Unix, and a ledger on disk: where crashes are counted in memory only, the re-executed program would know of none,
/// so after one warning main runs again in the same process, and a hang is an exit. Descriptors are closed, inherited
/// ones too, but for the sockets of [`listen`] and those that systemd passed (`LISTEN_FDS`).
///
/// Exit codes: **0** stopped on a signal, on request or because main returned: every hook succeeded, main and every
/// tracked task stopped; **1** main failed and is not restarted, a hook failed or timed out, main or a tracked task blocked
/// its thread and was left behind, or a hang; **78** the configuration or the plan is wrong, or a [`permanent`] failure;
/// **130** second Ctrl-C.
///
/// ```no_run
/// fn init() {
///     // a tracing subscriber, a crypto provider, …
/// }
///
/// #[lifecycle::main(init = init, drain = "10s", restart(wait = "30s", mode = "exec"), watchdog(timeout = "20s"))]
/// async fn main() -> Result<(), std::io::Error> {
///     lifecycle::stopping().await;
///     Ok(())
/// }
/// ```
pub use lifecycle_macros::main;

/// The code in README.md and in `docs/` compiles, and what it asserts holds.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../docs/shutdown.md")]
    mod shutdown {}
    #[doc = include_str!("../docs/work.md")]
    mod work {}
    #[doc = include_str!("../docs/heartbeats.md")]
    mod heartbeats {}
    #[doc = include_str!("../docs/restarts.md")]
    mod restarts {}
    #[cfg(all(feature = "axum", feature = "metrics"))]
    #[doc = include_str!("../docs/probes.md")]
    mod probes {}
    #[doc = include_str!("../docs/sockets.md")]
    mod sockets {}
    #[doc = include_str!("../docs/hangs.md")]
    mod hangs {}
    #[doc = include_str!("../docs/options.md")]
    mod options {}
    #[doc = include_str!("../docs/logs.md")]
    mod logs {}
    #[doc = include_str!("../docs/migrating.md")]
    mod migrating {}
    #[doc = include_str!("../docs/deploying.md")]
    mod deploying {}
    #[doc = include_str!("../docs/faq.md")]
    mod faq {}
    #[cfg(feature = "test")]
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
}
