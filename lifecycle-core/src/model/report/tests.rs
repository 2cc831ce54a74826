use super::*;
use crate::model::cause::Signal;

fn report(cause: Cause, results: &[HookResult]) -> Report {
    let hooks = results.iter().map(|result| HookReport {
        phase: Phase::DISCONNECT,
        order: 3,
        name: "Db::close",
        place: Place { file: "src/db.rs", line: 14 },
        result: result.clone(),
        began: Duration::ZERO,
        took: Duration::from_millis(3),
        instances: 1,
        meaning: None,
    });
    Report { hooks: hooks.collect(), took: Duration::from_millis(4), ..Report::empty(cause) }
}

#[test]
fn the_exit_code_is_zero_only_if_everything_stopped() {
    let signal = || Cause::Signal(Signal::Terminate);
    for (cause, result, code) in [
        (signal(), HookResult::Done, 0),
        (signal(), HookResult::NotManaged, 0),
        (Cause::Requested("x".into()), HookResult::Done, 0),
        (Cause::MainReturned, HookResult::Done, 0),
        (signal(), HookResult::TimedOut, 1),
        (signal(), HookResult::Failed("e".into()), 1),
        (signal(), HookResult::Panicked("p".into()), 1),
        (Cause::MainFailed("e".into()), HookResult::Done, 1),
        (Cause::TaskPanicked { task: "t".into(), message: "p".into() }, HookResult::Done, 1),
    ] {
        assert_eq!(
            report(cause.clone(), std::slice::from_ref(&result)).exit_code(),
            code,
            "{cause:?} {result:?}"
        );
    }
}

#[test]
fn many_good_instances_are_one_row_and_each_bad_one_its_own() {
    let results = [HookResult::Done, HookResult::Failed("gone".into())];
    let mut report = report(Cause::MainReturned, &results);
    report.hooks[0].instances = 2;
    let text = report.to_string();
    assert_eq!(text.matches("Db::close x 2").count(), 1, "{text}");
    assert_eq!(text.matches("FAILED").count(), 1, "{text}");
    assert!(text.ends_with("hook `Db::close` failed: exit code 1"), "{text}");
}
