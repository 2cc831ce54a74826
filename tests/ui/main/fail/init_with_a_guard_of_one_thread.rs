#[lifecycle::main(init = logging)]
fn main() {}

fn logging() -> std::rc::Rc<()> {
    std::rc::Rc::new(())
}
