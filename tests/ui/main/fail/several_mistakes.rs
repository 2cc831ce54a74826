#[lifecycle::main(drain = 5, flavor = one)]
unsafe fn main(_arguments: Vec<String>) {}
