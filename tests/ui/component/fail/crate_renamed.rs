mod lifecycle {
    pub use ::lifecycle::component;
}

#[lifecycle::component(crate = crate::lifecycle)]
fn close() {}

fn main() {}
