//! Which program keeps its crashes here, and what may have changed since an earlier start of it.

use crate::os::build;
use crate::restart::fingerprint;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) service: String,
    /// `None` where the system does not tell: then all are one.
    pub(crate) build: Option<String>,
    /// Of the build, the arguments and the environment.
    pub(crate) fingerprint: String,
}

impl Program {
    /// To be asked before the program can have changed its environment.
    pub(crate) fn current(service: String) -> Program {
        let build = build::current();
        Program { service, fingerprint: fingerprint::current(build.as_deref()), build }
    }

    /// The same service, as another build that may have left a crash.
    pub(crate) fn of_build(&self, build: Option<&String>) -> Program {
        Program { build: build.or(self.build.as_ref()).cloned(), ..self.clone() }
    }

    pub(crate) fn is_build(&self, build: Option<&str>) -> bool {
        self.build.as_deref().zip(build).is_none_or(|(own, other)| own == other)
    }
}

#[cfg(any(test, fuzzing))]
impl Program {
    /// A service that is called `app`.
    pub(crate) fn app() -> Program {
        Program { service: "app".into(), build: Some("one".into()), fingerprint: "f".into() }
    }
}
