#[lifecycle::main(restart = false)]
pub fn main() {}

mod elsewhere {
    pub fn again() -> fn() -> std::process::ExitCode {
        crate::main
    }
}

const _: fn() -> fn() -> std::process::ExitCode = elsewhere::again;
