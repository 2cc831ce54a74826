//! The command line of the compiler that this process is: what no variable of cargo's says, and what others than cargo say, too.

use std::sync::LazyLock;

/// Empty where the compiler is none, as in an editor.
static ARGUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let arguments = std::env::args_os().skip(1).filter_map(|argument| argument.into_string().ok());
    arguments.flat_map(expanded).collect()
});

/// One by one.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    ARGUMENTS.iter().cloned()
}

/// The arguments in a response file, `@path`, or the argument itself.
fn expanded(argument: String) -> Vec<String> {
    let file = argument.strip_prefix('@').and_then(|path| std::fs::read_to_string(path).ok());
    file.map_or_else(|| vec![argument], |text| text.lines().map(str::to_owned).collect())
}

/// Where the runtime is among this crate's dependencies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Runtime {
    /// `::lifecycle`, as far as is known.
    Usual,
    /// Under another name.
    Renamed(String),
    /// Not among them: somebody re-exports it.
    Absent,
}

/// This crate's.
pub(crate) fn runtime() -> Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime_in(arguments()));
    RUNTIME.clone()
}

fn runtime_in(arguments: impl Iterator<Item = String>) -> Runtime {
    let (mut seen, mut renamed, mut previous) = (false, None, String::new());
    for argument in arguments {
        let value = |option: &str| match argument.strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
        {
            Some(value) => Some(value),
            None => (previous == option).then_some(argument.as_str()),
        };
        if value("--crate-name") == Some("lifecycle") {
            return Runtime::Usual;
        }
        if let Some(dependency) = value("--extern") {
            let (name, path) = dependency.split_once('=').unwrap_or((dependency, ""));
            let name = name.rsplit(':').next().unwrap_or(name);
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            if name == "lifecycle" {
                return Runtime::Usual;
            }
            if file.starts_with("liblifecycle-") || file.starts_with("liblifecycle.") {
                renamed = Some(name.to_owned());
            }
            seen = true;
        }
        previous = argument;
    }
    match renamed {
        Some(name) => Runtime::Renamed(name),
        None if seen => Runtime::Absent,
        None => Runtime::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_found_by_its_file() {
        let renamed = || Runtime::Renamed("bots".to_owned());
        for (arguments, expected) in [
            ("", Runtime::Usual),
            ("--crate-name a -C metadata=1", Runtime::Usual),
            ("--crate-name lifecycle --extern tokio=libtokio-1.rlib", Runtime::Usual),
            (
                "--extern lifecycle=/t/liblifecycle-1.rmeta --extern bots=/t/liblifecycle-2.rmeta",
                Runtime::Usual,
            ),
            ("--extern tokio=/t/libtokio-1.rlib --extern bots=/t/liblifecycle-1.rlib", renamed()),
            ("--extern=bots=C:\\t\\liblifecycle-1.rlib", renamed()),
            ("--extern priv:bots=liblifecycle.rlib --extern proc_macro", renamed()),
            ("--extern facade=/t/libfacade-1.rmeta", Runtime::Absent),
            ("--extern core=/t/liblifecycle_core-1.rmeta", Runtime::Absent),
        ] {
            let found = runtime_in(arguments.split_whitespace().map(str::to_owned));
            assert_eq!(found, expected, "{arguments}");
        }
    }

    #[test]
    fn a_response_file_is_read() {
        let path = std::env::temp_dir().join(format!("lifecycle-macros-{}", std::process::id()));
        std::fs::write(&path, "--crate-name\na\n").unwrap();
        let read = expanded(format!("@{}", path.display()));
        std::fs::remove_file(path).unwrap();
        assert_eq!(read, ["--crate-name", "a"]);
        assert_eq!(expanded("@nothing/here".into()), ["@nothing/here"]);
    }
}
