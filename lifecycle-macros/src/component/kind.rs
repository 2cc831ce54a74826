//! The three attributes that register a function: what tells them apart.

use syn::Ident;

use crate::options::Known;

/// One of the attributes.
pub(crate) struct Kind {
    pub(super) attribute: &'static str,
    /// What its function is called in messages.
    thing: &'static str,
    pub(super) known: Known,
    /// What it must be on.
    pub(super) item: &'static str,
    /// Where to put it instead of on `main`.
    pub(super) instead_of_main: &'static str,
}

/// `#[component]`.
pub(crate) static COMPONENT: Kind = Kind {
    attribute: "component",
    thing: "component hook",
    known: &[
        ("order", "order = 3"),
        ("phase", "phase = \"disconnect\""),
        ("timeout", "timeout = \"5s\""),
        ("name", "name = \"database\""),
        ("on_hang", "on_hang = true"),
        ("crate", "crate = ::lifecycle"),
    ],
    item: "`#[lifecycle::component]` must be on the method, or the free function, that stops something",
    instead_of_main: "put it on the function that stops something",
};

/// `#[reload]`.
pub(crate) static RELOAD: Kind = Kind {
    attribute: "reload",
    thing: "reload hook",
    known: &[
        ("order", "order = 3"),
        ("timeout", "timeout = \"5s\""),
        ("name", "name = \"certificates\""),
        ("crate", "crate = ::lifecycle"),
    ],
    item: "`#[lifecycle::reload]` must be on the method, or the free function, that reads something again",
    instead_of_main: "put it on the function that reads something again",
};

/// `#[task]`.
pub(crate) static TASK: Kind = Kind {
    attribute: "task",
    thing: "task",
    known: &[
        ("name", "name = \"price feed\""),
        ("restart", "restart(max_restarts = 3)"),
        ("crate", "crate = ::lifecycle"),
    ],
    item: "`#[lifecycle::task]` must be on the `async` method, or the free `async fn`, that works in the background",
    instead_of_main: "main is a task of its own",
};

impl Kind {
    /// `component hook `close``.
    pub(super) fn named(&self, function: &Ident) -> String {
        format!("{} `{function}`", self.thing)
    }

    pub(super) fn is_task(&self) -> bool {
        self.attribute == "task"
    }
}
