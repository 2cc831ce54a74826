#[lifecycle::main]
async fn main() -> Result<(), Opaque> {
    Ok(())
}

struct Opaque;
