//! What a plan shows, and what it refuses.

use super::*;

fn hook(phase: Phase, order: i32, name: &'static str) -> PlannedHook {
    PlannedHook {
        phase,
        order,
        name,
        timeout: Duration::from_secs(5),
        place: Place { file: "src/x.rs", line: 7 },
        instances: Some(1),
    }
}

#[test]
fn sorted_by_phase_order_and_name_whatever_the_link_order() {
    let plan = Plan::new(
        vec![
            hook(Phase::DISCONNECT, 2, "b"),
            hook(Phase::STOP, 9, "z"),
            hook(Phase::DISCONNECT, 2, "a"),
            hook(Phase::DISCONNECT, -1, "c"),
            hook(Phase::new("telemetry", 250), 0, "t"),
        ],
        Vec::new(),
    );
    let names: Vec<_> = plan.hooks.iter().map(|hook| hook.name).collect();
    assert_eq!(names, ["z", "t", "c", "a", "b"]);
    assert_eq!(plan.check(), Ok(()));
}

#[test]
fn a_phase_with_two_ranks_or_no_name_is_refused() {
    let plan = Plan::new(
        vec![hook(Phase::DISCONNECT, 0, "a"), hook(Phase::new("disconnect", 50), 0, "b")],
        Vec::new(),
    );
    let errors = plan.check().expect_err("two ranks");
    assert!(
        errors[0].to_string().starts_with("phase \"disconnect\" has two ranks: 50 at hook `b` (src/x.rs:7)")
    );
    let plan = Plan::new(vec![hook(Phase::new("", 50), 0, "a")], Vec::new());
    assert!(plan.check().expect_err("no name")[0].to_string().contains("has no name"));
}

#[test]
fn type_names_lose_their_paths() {
    for (long, short) in [
        ("Db", "Db"),
        ("app::db::Db", "Db"),
        ("app::Pool<app::db::Conn, alloc::string::String>", "Pool<Conn, String>"),
        ("app::main::{{closure}}::Local", "Local"),
    ] {
        assert_eq!(short_type_name(long), short);
    }
}

#[test]
fn tasks_are_listed_below_the_hooks() {
    let task =
        |name, max_restarts| PlannedTask { name, place: Place { file: "src/x.rs", line: 9 }, max_restarts };
    let tasks = vec![task("Feed::run", Some(3)), task("audit", None)];
    let plan = Plan::new(vec![hook(Phase::STOP, 0, "halt")], tasks).to_string();
    let rows: Vec<&str> = plan.lines().skip(2).collect();
    assert_eq!(
        rows,
        [
            "  task       until the drain  declared at",
            "  Feed::run  3 restarts       src/x.rs:9",
            "  audit      no restart       src/x.rs:9",
        ]
    );
}
