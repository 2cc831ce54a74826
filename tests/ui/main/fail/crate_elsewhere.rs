mod elsewhere {
    pub use lifecycle::main;
}

#[elsewhere::main(crate = elsewhere)]
fn main() {}
