#[lifecycle::component]
async fn close() {}

#[lifecycle::component(phase = "persist")]
fn flush() -> Result<(), String> {
    Ok(())
}

fn main() {}
