use expect_test::{Expect, expect};

use super::main;
use super::model::Main;
use crate::errors::shown;

fn check(args: &str, item: &str, expected: &Expect) {
    expected.assert_eq(&shown(main(args.parse().unwrap(), &item.parse().unwrap())));
}

#[test]
fn what_was_not_written_is_left_to_the_runtime() {
    check(
        "",
        "async fn main() -> anyhow::Result<()> { run().await }",
        &expect![[r#"
            fn main() -> ::std::process::ExitCode {
                async fn main() -> anyhow::Result<()> {
                    run().await
                }
                ::lifecycle::__private::Service::run(
                    ::lifecycle::__private::Service::new()
                        .options(::lifecycle::__private::Options::DEFAULT),
                    main,
                )
            }
        "#]],
    );
}

#[test]
fn what_was_written_is_a_field() {
    let args = "drain = \"0s\", restart(factor = 3, file = \"crashes\", mode = \"exec\", \
        store = \"redis://cache\", service = \"orders\"), watchdog(on_hang = \"exec\"), init = setup, \
        flavor = current_thread, crate = ::renamed";
    check(
        args,
        "#[cfg(unix)] fn main() {}",
        &expect![[r##"
            #[cfg(unix)]
            fn main() -> ::std::process::ExitCode {
                #[cfg(unix)]
                fn main() {}
                ::renamed::__private::Service::run_sync(
                    ::renamed::__private::Service::new()
                        .options(::renamed::__private::Options {
                            drain: ::renamed::__private::Duration::new(0, 0),
                            restart: ::renamed::__private::RestartOptions {
                                factor: 3,
                                file: ::core::option::Option::Some("crashes"),
                                mode: ::renamed::__private::RestartMode::Exec,
                                store: ::core::option::Option::Some("redis://cache"),
                                service: ::core::option::Option::Some("orders"),
                                ..::renamed::__private::RestartOptions::DEFAULT
                            },
                            watchdog: ::renamed::__private::WatchdogOptions {
                                on_hang: ::renamed::__private::OnHang::Exec,
                                ..::renamed::__private::WatchdogOptions::DEFAULT
                            },
                            flavor: ::renamed::__private::Flavor::CurrentThread,
                            ..::renamed::__private::Options::DEFAULT
                        })
                        .init({
                            #[allow(unused_imports)]
                            use ::renamed::__private::{
                                ReturnsFuture as _, ReturnsGuard as _, ReturnsOutcome as _,
                            };
                            (&&&::renamed::__private::InitFunction(setup)).function()
                        }),
                    main,
                )
            }
        "##]],
    );
}

#[test]
fn a_refused_main_is_still_a_main() {
    check(
        "drain",
        "async fn main() {}",
        &expect![[r#"
        ::core::compile_error! {
            "option `drain` must have a value: got `drain`, write `drain = \"5s\"`"
        }
        fn main() {
            #[allow(dead_code)]
            async fn main() {}
        }
    "#]],
    );
}

#[test]
fn each_mistake_has_its_message() {
    for (args, item, expected) in [
        ("", "fn start() {}", "function under `#[lifecycle::main]` must be named `main`: got `start`"),
        ("", "fn main(a: u8) {}", "`main` must not take parameters: got `a: u8`, remove it"),
        ("", "mod main {}", "`#[lifecycle::main]` must be on `fn main`: got a module"),
        (
            "restart(wait = \"2m\", max_wait = \"1m\")",
            "fn main() {}",
            "option `wait` must not be above `max_wait`: got `\"2m\"`, write at most `\"1m\"`, or a longer `max_wait`",
        ),
        (
            "shutdown_timeout = \"10s\", drain = \"11s\"",
            "fn main() {}",
            "option `drain` must not be above `shutdown_timeout`: got `\"11s\"`, write at most `\"10s\"`, or a longer `shutdown_timeout`",
        ),
        (
            "shutdown_timeout = \"500000000000y\"",
            "fn main() {}",
            "option `shutdown_timeout` must be at most ten years: got `\"500000000000y\"`, write `shutdown_timeout = \"25s\"`",
        ),
        (
            "restart(within = \"3651d\")",
            "fn main() {}",
            "option `within` must be at most ten years: got `\"3651d\"`, write `within = \"5m\"`",
        ),
        (
            "watchdog(timeout = \"49ms\")",
            "fn main() {}",
            "option `timeout` must be what a busy machine does not miss by itself: got `\"49ms\"`, write at least `\"50ms\"`",
        ),
        (
            "watchdog(startup = \"0s\")",
            "fn main() {}",
            "option `startup` must be above zero: got `\"0s\"`, write `startup = \"60s\"`",
        ),
        (
            "restart = 3",
            "fn main() {}",
            "option `restart` must be `restart(…)` or `restart = false`: got `3`, write `restart(max_crashes = 3)`",
        ),
        (
            "flavor = multi",
            "fn main() {}",
            "option `flavor` must be `multi_thread` or `current_thread`: got `multi`, did you mean `multi_thread`?",
        ),
        (
            "restart(mode = \"exe\")",
            "fn main() {}",
            "option `mode` must be `task` or `exec`: got `exe`, did you mean `exec`?",
        ),
        (
            "watchdog(on_hang = \"restart\")",
            "fn main() {}",
            "option `on_hang` must be `exit`, `exec` or `abort`: got `restart`",
        ),
        (
            "restart(store = \"rediss://bot:secret@cache\")",
            "fn main() {}",
            "option `store` must be the URL of a Redis without TLS: write e.g. `store = \"redis://host:6379/0\"` \
             or `\"unix:/run/redis/redis.sock\"`",
        ),
        (
            "probes = \"localhost:80\", ready = \"explicit\"",
            "fn main() {}",
            "option `probes` must be an IP address and a port, or `unix:` and a path: got `\"localhost:80\"`, write e.g. \
             `probes = \"0.0.0.0:8080\"` or `\"unix:/run/app/probes.sock\"`",
        ),
        (
            "probes = \"unix:/run/app.sock\"",
            "fn main() {}",
            "option `probes` must be written with `ready`: write `ready = \"explicit\"` and call `lifecycle::ready()`, \
             or `ready = \"implied\"` if the service is up after a second",
        ),
        ("drain", "fn main() {}", "option `drain` must have a value: got `drain`, write `drain = \"5s\"`"),
    ] {
        let errors = Main::parse(args.parse().unwrap(), &item.parse().unwrap()).err().unwrap();
        assert_eq!(errors.messages(), [expected]);
    }
}

#[test]
fn both_spellings_of_a_switch_and_a_flavor_are_accepted() {
    for args in [
        "restart = true",
        "watchdog = true",
        "flavor = \"multi_thread\"",
        "restart()",
        "drain = \"0s\",",
        "drain = \"25s\", shutdown_timeout = \"25s\"",
        "shutdown_timeout = \"3650d\"",
        "watchdog(startup = \"50ms\")",
    ] {
        assert!(Main::parse(args.parse().unwrap(), &"fn main() {}".parse().unwrap()).is_ok(), "{args}");
    }
}

/// The tests of one package are built without it, those of the workspace with it.
#[test]
fn probes_need_the_feature_http() {
    let args = "probes = \"0.0.0.0:8080\", ready = \"explicit\"";
    let parsed = Main::parse(args.parse().unwrap(), &"fn main() {}".parse().unwrap());
    let messages = parsed.err().map(|errors| errors.messages()).unwrap_or_default();
    let expected = "option `probes` must be used with the feature `http` of lifecycle: write \
                    `lifecycle = { features = [\"http\"], … }` in Cargo.toml";
    assert_eq!(messages, if cfg!(feature = "http") { vec![] } else { vec![expected] });
}
