//! What `#[main]` stands on and was given, checked.

use std::slice::from_ref;
use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Attribute, LitFloat, LitStr, Path, ReturnType, Signature, Visibility};

use super::shutdown::Shutdown;
use crate::duration::AtLeast;
use crate::errors::{Errors, written};
use crate::function::{Function, refuse_qualifiers, refuse_repeated, repeated};
use crate::options::{Known, Options, Placed, Switch, not_above};
use crate::private::Private;

const KNOWN: Known = &[
    ("shutdown_timeout", "shutdown_timeout = \"25s\""),
    ("drain", "drain = \"5s\""),
    ("drain_delay", "drain_delay = \"5s\""),
    ("ready", "ready = \"explicit\""),
    ("probes", "probes = \"0.0.0.0:8080\""),
    ("on_hangup", "on_hangup = \"reload\""),
    ("panic", "panic = \"end\""),
    ("restart", "restart(max_crashes = 3)"),
    ("watchdog", "watchdog(timeout = \"60s\")"),
    ("init", "init = path::to::function"),
    ("runtime", "runtime = path::to::function"),
    ("flavor", "flavor = multi_thread"),
    ("worker_threads", "worker_threads = 4"),
    ("crate", "crate = ::lifecycle"),
];

const RESTART: Known = &[
    ("max_crashes", "max_crashes = 3"),
    ("within", "within = \"5m\""),
    ("wait", "wait = \"60s\""),
    ("factor", "factor = 2"),
    ("max_wait", "max_wait = \"5m\""),
    ("first_wait", "first_wait = \"1s\""),
    ("jitter", "jitter = 0.25"),
    ("max_retry_after", "max_retry_after = \"24h\""),
    ("file", "file = \".restart_count\""),
    ("mode", "mode = \"exec\""),
    ("store", "store = \"redis://host:6379/0\""),
    ("service", "service = \"orders\""),
];

const WATCHDOG: Known = &[
    ("timeout", "timeout = \"60s\""),
    ("startup", "startup = \"60s\""),
    ("on_hang", "on_hang = \"exec\""),
    ("worker", "worker = \"10s\""),
];

const MODES: [&str; 2] = ["task", "exec"];

const ON_HANG: [&str; 3] = ["exit", "exec", "abort"];

/// What the URL of a store may begin with; the rest of it is read when the service starts.
const STORES: [&str; 5] = ["redis:", "valkey:", "unix:", "redis+unix:", "valkey+unix:"];

const FLAVORS: [&str; 2] = ["multi_thread", "current_thread"];

const ITEM: &str = "`#[lifecycle::main]` must be on `fn main`";

/// An entry point. What was not written is `None`, and left to the runtime's defaults.
pub(super) struct Main {
    pub(super) private: Private,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) asynchronous: bool,
    /// Where to point when the output is not what main returns.
    pub(super) output: Span,
    pub(super) shutdown: Shutdown,
    pub(super) restart: Restart,
    pub(super) watchdog: Watchdog,
    pub(super) init: Option<Path>,
    pub(super) runtime: Option<Path>,
    pub(super) flavor: Option<&'static str>,
    pub(super) worker_threads: Option<i64>,
}

/// `restart(…)`.
#[derive(Default)]
pub(super) struct Restart {
    pub(super) off: bool,
    pub(super) max_crashes: Option<i64>,
    pub(super) within: Option<Duration>,
    pub(super) wait: Option<Duration>,
    pub(super) factor: Option<i64>,
    pub(super) max_wait: Option<Duration>,
    pub(super) first_wait: Option<Duration>,
    pub(super) jitter: Option<LitFloat>,
    pub(super) max_retry_after: Option<Duration>,
    pub(super) file: Option<LitStr>,
    pub(super) mode: Option<&'static str>,
    pub(super) store: Option<LitStr>,
    pub(super) service: Option<LitStr>,
}

/// `watchdog(…)`.
#[derive(Default)]
pub(super) struct Watchdog {
    pub(super) off: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) startup: Option<Duration>,
    pub(super) on_hang: Option<&'static str>,
    pub(super) worker: Option<Duration>,
}

impl Main {
    pub(super) fn parse(args: TokenStream, item: &TokenStream) -> Result<Main, Errors> {
        let mut errors = Errors::default();
        let mut options = Options::parse(args, KNOWN, &mut errors);
        let shutdown = Shutdown::parse(&mut options);
        let restart = Restart::parse(&mut options);
        let watchdog = Watchdog::parse(&mut options);
        let init = options.path("init");
        let (runtime, flavor, worker_threads) = runtime(&mut options);
        let private = options.private();

        let Some(function) = Function::parse::<Function>(item, ITEM, &mut errors) else { return Err(errors) };
        check_signature(&function.sig, &mut errors);
        refuse_other_mains(&function, &mut errors);
        errors.or(Main {
            private,
            cfgs: function.cfgs().cloned().collect(),
            vis: function.vis.clone(),
            asynchronous: function.sig.asyncness.is_some(),
            output: match &function.sig.output {
                ReturnType::Default => function.sig.ident.span(),
                ReturnType::Type(_, output) => output.span(),
            },
            shutdown,
            restart,
            watchdog,
            init,
            runtime,
            flavor,
            worker_threads,
        })
    }
}

impl Restart {
    fn parse(options: &mut Options<'_>) -> Restart {
        let Some(switch) = options.switch("restart") else { return Restart::default() };
        let args = match switch {
            Switch::Off => return Restart { off: true, ..Restart::default() },
            Switch::On => return Restart::default(),
            Switch::List(args) => args,
        };
        let mut options = Options::parse(args, RESTART, options.errors);
        let wait = options.duration("wait", AtLeast::Positive);
        let max_wait = options.duration("max_wait", AtLeast::Positive);
        not_above(&mut options, ("wait", wait), ("max_wait", max_wait));
        let first_wait = options.duration("first_wait", AtLeast::Zero);
        not_above(&mut options, ("first_wait", first_wait), ("wait", wait));
        Restart {
            off: false,
            max_crashes: options.integer("max_crashes", 0..=i64::from(u32::MAX)),
            within: options.duration("within", AtLeast::Positive).map(value),
            wait: wait.map(value),
            factor: options.integer("factor", 1..=i64::from(u32::MAX)),
            max_wait: max_wait.map(value),
            first_wait: first_wait.map(value),
            jitter: options.part("jitter"),
            max_retry_after: options.duration("max_retry_after", AtLeast::Zero).map(value),
            file: options.text("file"),
            mode: options.choice("mode", &MODES),
            store: store(&mut options),
            service: options.text("service"),
        }
    }
}

impl Watchdog {
    fn parse(options: &mut Options<'_>) -> Watchdog {
        let Some(switch) = options.switch("watchdog") else { return Watchdog::default() };
        let args = match switch {
            Switch::Off => return Watchdog { off: true, ..Watchdog::default() },
            Switch::On => return Watchdog::default(),
            Switch::List(args) => args,
        };
        let mut options = Options::parse(args, WATCHDOG, options.errors);
        Watchdog {
            off: false,
            timeout: options.duration("timeout", AtLeast::Heartbeat).map(value),
            startup: options.duration("startup", AtLeast::Heartbeat).map(value),
            on_hang: options.choice("on_hang", &ON_HANG),
            worker: options.duration("worker", AtLeast::Heartbeat).map(value),
        }
    }
}

fn store(options: &mut Options<'_>) -> Option<LitStr> {
    let url = options.text("store")?;
    if STORES.iter().any(|scheme| url.value().starts_with(scheme)) {
        return Some(url);
    }
    // A password may stand in it, and a compiler's output ends up in logs: what was written is not repeated.
    let message = "option `store` must be the URL of a Redis without TLS";
    options.errors.at(
        &url,
        format!(
            "{message}: write e.g. `store = \"redis://host:6379/0\"` or `\"unix:/run/redis/redis.sock\"`"
        ),
    );
    None
}

fn value(placed: Placed<Duration>) -> Duration {
    placed.0
}

/// `runtime`, which leaves nothing to the others, `flavor`, and `worker_threads`, which one thread cannot have.
fn runtime(options: &mut Options<'_>) -> (Option<Path>, Option<&'static str>, Option<i64>) {
    let keys = ["flavor", "worker_threads"].map(|key| (key, options.key(key)));
    let flavor = options.value("flavor").and_then(|value| options.word("flavor", &FLAVORS, &value));
    let worker_threads = options.integer("worker_threads", 1..=i64::from(u16::MAX));
    let runtime = options.path("runtime");
    for (key, span) in keys {
        let Some(span) = span else { continue };
        let with = match (&runtime, flavor) {
            (Some(_), _) => "runtime = …",
            (None, Some("current_thread")) if key == "worker_threads" => "flavor = current_thread",
            _ => continue,
        };
        options.errors.at_span(span, format!("option `{key}` must not be written with `{with}`: remove one"));
    }
    (runtime, flavor, worker_threads)
}

/// What tokio's attribute, once expanded, has in its body.
const TOKIO: &str = "\"Failed building the Runtime\"";

/// Reports a second attribute that makes a `main`: below ours it is still there, above it has left its traces.
fn refuse_other_mains(function: &Function, errors: &mut Errors) {
    const INSTEAD: &str =
        "`#[lifecycle::main]` starts the runtime, with the options `flavor` and `worker_threads`";
    refuse_repeated(&function.attrs, "main", errors);
    for attr in
        function.attrs.iter().filter(|attr| is_main(attr) && repeated(from_ref(attr), "main").is_none())
    {
        errors.at(attr, format!("`main` must not be under `{}`, too: remove it, {INSTEAD}", written(attr)));
    }
    if function.sig.asyncness.is_none() && function.body.to_string().contains(TOKIO) {
        let message = "`main` must not be under `#[tokio::main]`, too: remove it";
        errors.at(&function.sig.ident, format!("{message}, {INSTEAD}"));
    }
}

/// Whether it makes a `main`, of whatever crate.
pub(super) fn is_main(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "main")
}

fn check_signature(sig: &Signature, errors: &mut Errors) {
    if sig.ident != "main" {
        let message =
            format!("function under `#[lifecycle::main]` must be named `main`: got `{}`", sig.ident);
        errors.at(&sig.ident, message);
    }
    for input in &sig.inputs {
        errors.at(input, format!("`main` must not take parameters: got `{}`, remove it", written(input)));
    }
    refuse_qualifiers("`main`", sig, errors);
}
