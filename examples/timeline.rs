//! Draws one shutdown from its report: `cargo run --example timeline > docs/shutdown.svg`.

use std::fmt::Write;
use std::time::Duration;

use lifecycle::{HookResult, LifecycleManager, Report};
use tokio::time::sleep;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Strategy;

impl Strategy {
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {
        sleep(millis(150)).await;
    }

    #[lifecycle::component(phase = "persist")]
    async fn save(&self) {
        sleep(millis(250)).await;
    }
}

struct Recorder;

impl Recorder {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) {
        sleep(millis(450)).await;
    }
}

struct Feed;

impl Feed {
    #[lifecycle::component(order = 1, timeout = "500ms")]
    async fn close(&self) {
        std::future::pending::<()>().await;
    }
}

struct Database;

impl Database {
    #[lifecycle::component(order = 2)]
    async fn close(&self) {
        sleep(millis(300)).await;
    }
}

#[tokio::main]
async fn main() {
    let manager = LifecycleManager::new();
    manager.manage(Strategy);
    manager.manage(Recorder);
    manager.manage(Feed);
    manager.manage(Database);
    let stopping = manager.stopping();
    manager.spawn("orders", async move {
        stopping.await;
        sleep(millis(350)).await;
    });
    // The task has to be polled once: one that was not does not wait for the shutdown yet.
    sleep(millis(50)).await;
    print!("{}", draw(&bars(&manager.stop("the picture").await)));
}

/// One line of the picture.
struct Bar {
    phase: &'static str,
    label: String,
    begins: Duration,
    took: Duration,
    late: bool,
}

/// Hooks of one order run together, and a step begins when the one before it ends. The report has no line for a drain
/// that went well: it is the time that no step took.
fn bars(report: &Report) -> Vec<Bar> {
    let steps: Vec<_> = report.hooks.chunk_by(|a, b| (a.phase, a.order) == (b.phase, b.order)).collect();
    let longest =
        |step: &[lifecycle::HookReport]| step.iter().map(|hook| hook.took).max().unwrap_or_default();
    let drain = report.took.saturating_sub(steps.iter().map(|step| longest(step)).sum());
    let mut bars = Vec::new();
    let mut begins = Duration::ZERO;
    let mut drained = false;
    for step in steps {
        if !drained && step[0].phase.rank() > 100 {
            drained = true;
            let label = "main and tasks return".to_owned();
            bars.push(Bar { phase: "drain", label, begins, took: drain, late: false });
            begins += drain;
        }
        for hook in step {
            let late = hook.result == HookResult::TimedOut;
            let (phase, label) = (hook.phase.name(), hook.name.to_owned());
            bars.push(Bar { phase, label, begins, took: hook.took, late });
        }
        begins += longest(step);
    }
    bars
}

const LEFT: u128 = 270;
const ROW: usize = 28;
/// Milliseconds a pixel.
const SCALE: u128 = 4;

fn draw(bars: &[Bar]) -> String {
    let end = bars.iter().map(|bar| bar.begins + bar.took).max().unwrap_or_default();
    let (width, height) = (LEFT + end.as_millis() / SCALE + 110, (bars.len() + 1) * ROW + 10);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="13">
<title>One shutdown: phase by phase; a hook that hangs is late, and the next step begins</title>
<style>
text {{ fill: #6e7781 }} .axis {{ stroke: #8c959f; stroke-opacity: .4 }} .late, text.late {{ fill: #d1242f }}
.stop {{ fill: #bf8700 }} .drain {{ fill: #8c959f }} .persist {{ fill: #1a7f37 }} .disconnect {{ fill: #0969da }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #9198a1 }} .late, text.late {{ fill: #f85149 }} }}
</style>
"#
    );
    for half in 0..=end.as_millis() / 500 {
        let x = LEFT + half * 500 / SCALE;
        let bottom = bars.len() * ROW + 8;
        let _ = writeln!(svg, r#"<path class="axis" d="M{x} 4V{bottom}"/>"#);
        let (whole, tenth) = (half / 2, half % 2 * 5);
        let y = bottom + 18;
        let _ = writeln!(svg, r#"<text x="{x}" y="{y}" text-anchor="middle">{whole}.{tenth} s</text>"#);
    }
    let mut phase = "";
    for (row, bar) in bars.iter().enumerate() {
        let (y, text) = (row * ROW + 8, row * ROW + 22);
        if bar.phase != phase {
            phase = bar.phase;
            let _ = writeln!(svg, r#"<text x="8" y="{text}" font-weight="bold">{phase}</text>"#);
        }
        let (x, length) = (LEFT + bar.begins.as_millis() / SCALE, (bar.took.as_millis() / SCALE).max(2));
        let class = if bar.late { "late" } else { phase };
        let took = format!("{:.2} s{}", bar.took.as_secs_f64(), if bar.late { ", TIMED OUT" } else { "" });
        let _ = writeln!(svg, r#"<text x="100" y="{text}">{}</text>"#, bar.label);
        let _ = writeln!(
            svg,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{length}" height="{}" rx="3"/>"#,
            ROW - 8
        );
        let after = x + length + 6;
        let class = if bar.late { " class=\"late\"" } else { "" };
        let _ = writeln!(svg, r#"<text{class} x="{after}" y="{text}">{took}</text>"#);
    }
    svg + "</svg>\n"
}
