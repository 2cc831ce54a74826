use expect_test::{Expect, expect};
use quote::quote;

use super::heartbeat;
use super::model::Heartbeat;
use crate::errors::shown;

fn check(args: &str, item: &str, expected: &Expect) {
    expected.assert_eq(&shown(heartbeat(args.parse().unwrap(), &item.parse().unwrap())));
}

#[test]
fn a_plain_function_beats() {
    check(
        "timeout = \"90s\", name = \"t\", arm = \"first_beat\"",
        "fn tick() -> u8 { const A: u8 = 1; A }",
        &expect![[r#"
            fn tick() -> u8 {
                static __LIFECYCLE_HEARTBEAT: ::lifecycle::__private::Heartbeat = ::lifecycle::__private::heartbeat(
                    "t",
                    ::core::option::Option::Some(::lifecycle::__private::Duration::new(90, 0)),
                    ::lifecycle::__private::Arm::FirstBeat,
                    ::lifecycle::__private::Place {
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                );
                ::lifecycle::__private::inventory::submit! {
                    ::lifecycle::__private::HeartbeatSite(& __LIFECYCLE_HEARTBEAT)
                }
                const A: u8 = 1;
                #[allow(unused_variables)]
                let call = ::lifecycle::__private::enter(&__LIFECYCLE_HEARTBEAT, false);
                A
            }
        "#]],
    );
}

#[test]
fn an_async_function_leaves_breadcrumbs_but_not_for_what_is_only_made_in_it() {
    let item = "async fn tick(&self) -> Result<(), E> {
        self.feed.next().await?;
        let later = async { a.await };
        let again = || async { b.await };
        outer(inner.await).await
    }";
    check(
        "",
        item,
        &expect![[r#"
            async fn tick(&self) -> Result<(), E> {
                static __LIFECYCLE_HEARTBEAT: ::lifecycle::__private::Heartbeat = ::lifecycle::__private::heartbeat(
                    ::core::concat!(::core::module_path!(), "::", "tick"),
                    ::core::option::Option::None,
                    ::lifecycle::__private::Arm::Start,
                    ::lifecycle::__private::Place {
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                );
                ::lifecycle::__private::inventory::submit! {
                    ::lifecycle::__private::HeartbeatSite(& __LIFECYCLE_HEARTBEAT)
                }
                #[allow(unused_variables)]
                let call = ::lifecycle::__private::enter_async(&__LIFECYCLE_HEARTBEAT, false);
                match ::lifecycle::__private::at(
                        self.feed.next(),
                        &call,
                        &::lifecycle::__private::Place {
                            file: ::core::file!(),
                            line: ::core::line!(),
                        },
                    )
                    .await
                {
                    #[allow(unreachable_code, unreachable_patterns)]
                    value => {
                        ::lifecycle::__private::past(&call);
                        value
                    }
                }?;
                let later = async { a.await };
                let again = || async { b.await };
                match ::lifecycle::__private::at(
                        outer(
                            match ::lifecycle::__private::at(
                                    inner,
                                    &call,
                                    &::lifecycle::__private::Place {
                                        file: ::core::file!(),
                                        line: ::core::line!(),
                                    },
                                )
                                .await
                            {
                                #[allow(unreachable_code, unreachable_patterns)]
                                value => {
                                    ::lifecycle::__private::past(&call);
                                    value
                                }
                            },
                        ),
                        &call,
                        &::lifecycle::__private::Place {
                            file: ::core::file!(),
                            line: ::core::line!(),
                        },
                    )
                    .await
                {
                    #[allow(unreachable_code, unreachable_patterns)]
                    value => {
                        ::lifecycle::__private::past(&call);
                        value
                    }
                }
            }
        "#]],
    );
}

#[test]
fn each_round_of_the_outermost_loops_beats() {
    let item = "fn run(&self) -> u8 {
        'all: while running() { const A: u8 = 1; for a in b() { loop {} } continue 'all; }
        let c = || loop {};
        let d = async { loop {} };
        if e { for f in [0; { while g {} 1 }] {} }
        fn h() { loop {} }
        loop { break 1; }
    }";
    check(
        "arm = \"call\"",
        item,
        &expect![[r#"
            fn run(&self) -> u8 {
                static __LIFECYCLE_HEARTBEAT: ::lifecycle::__private::Heartbeat = ::lifecycle::__private::heartbeat(
                    ::core::concat!(::core::module_path!(), "::", "run"),
                    ::core::option::Option::None,
                    ::lifecycle::__private::Arm::Call,
                    ::lifecycle::__private::Place {
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                );
                ::lifecycle::__private::inventory::submit! {
                    ::lifecycle::__private::HeartbeatSite(& __LIFECYCLE_HEARTBEAT)
                }
                #[allow(unused_variables)]
                let call = ::lifecycle::__private::enter(&__LIFECYCLE_HEARTBEAT, false);
                'all: while running() {
                    const A: u8 = 1;
                    ::lifecycle::__private::round(&call);
                    for a in b() {
                        loop {}
                    }
                    continue 'all;
                }
                let c = || loop {};
                let d = async { loop {} };
                if e {
                    for f in [0; {
                        while g {}
                        1
                    }] {
                        ::lifecycle::__private::round(&call);
                    }
                }
                fn h() {
                    loop {}
                }
                loop {
                    ::lifecycle::__private::round(&call);
                    break 1;
                }
            }
        "#]],
    );
}

#[test]
fn a_returned_future_is_what_beats() {
    check(
        "",
        "fn tick() -> F { first(); Box::pin(async move { a.await }) }",
        &expect![[r#"
            fn tick() -> F {
                first();
                Box::pin(async move {
                    static __LIFECYCLE_HEARTBEAT: ::lifecycle::__private::Heartbeat = ::lifecycle::__private::heartbeat(
                        ::core::concat!(::core::module_path!(), "::", "tick"),
                        ::core::option::Option::None,
                        ::lifecycle::__private::Arm::Start,
                        ::lifecycle::__private::Place {
                            file: ::core::file!(),
                            line: ::core::line!(),
                        },
                    );
                    ::lifecycle::__private::inventory::submit! {
                        ::lifecycle::__private::HeartbeatSite(& __LIFECYCLE_HEARTBEAT)
                    }
                    #[allow(unused_variables)]
                    let call = ::lifecycle::__private::enter_async(&__LIFECYCLE_HEARTBEAT, false);
                    match ::lifecycle::__private::at(
                            a,
                            &call,
                            &::lifecycle::__private::Place {
                                file: ::core::file!(),
                                line: ::core::line!(),
                            },
                        )
                        .await
                    {
                        #[allow(unreachable_code, unreachable_patterns)]
                        value => {
                            ::lifecycle::__private::past(&call);
                            value
                        }
                    }
                })
            }
        "#]],
    );
    check(
        "",
        "fn tick() -> impl Future { async { a.await } }",
        &expect![[r#"
            fn tick() -> impl Future {
                async {
                    static __LIFECYCLE_HEARTBEAT: ::lifecycle::__private::Heartbeat = ::lifecycle::__private::heartbeat(
                        ::core::concat!(::core::module_path!(), "::", "tick"),
                        ::core::option::Option::None,
                        ::lifecycle::__private::Arm::Start,
                        ::lifecycle::__private::Place {
                            file: ::core::file!(),
                            line: ::core::line!(),
                        },
                    );
                    ::lifecycle::__private::inventory::submit! {
                        ::lifecycle::__private::HeartbeatSite(& __LIFECYCLE_HEARTBEAT)
                    }
                    #[allow(unused_variables)]
                    let call = ::lifecycle::__private::enter_async(&__LIFECYCLE_HEARTBEAT, false);
                    match ::lifecycle::__private::at(
                            a,
                            &call,
                            &::lifecycle::__private::Place {
                                file: ::core::file!(),
                                line: ::core::line!(),
                            },
                        )
                        .await
                    {
                        #[allow(unreachable_code, unreachable_patterns)]
                        value => {
                            ::lifecycle::__private::past(&call);
                            value
                        }
                    }
                }
            }
        "#]],
    );
}

#[test]
fn each_mistake_has_its_message() {
    for (args, item, expected) in [
        ("", "const fn tick() {}", "heartbeat `tick` must not be `const`: a beat happens at run time"),
        (
            "",
            "fn tick();",
            "`#[lifecycle::heartbeat]` must be on a function with a body: got a function without a body",
        ),
        (
            "arm = \"first\"",
            "fn tick() {}",
            "option `arm` must be `start`, `first_beat` or `call`: got `first`, did you mean `first_beat`?",
        ),
        (
            "limit = \"1s\"",
            "fn tick() {}",
            "unknown option `limit`: must be `timeout`, `name`, `arm` or `crate`",
        ),
    ] {
        let errors = Heartbeat::parse(args.parse().unwrap(), &item.parse().unwrap()).err().unwrap();
        assert_eq!(errors.messages(), [expected]);
    }
}

#[test]
fn the_item_survives_a_mistake() {
    let kept = heartbeat(quote!(limit = 1), &"fn tick() {}".parse().unwrap()).to_string();
    assert!(kept.ends_with("fn tick () { }"), "{kept}");
}
