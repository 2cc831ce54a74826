const LATE: lifecycle::Phase = lifecycle::Phase::new("late", 900);

struct Store;

impl Store {
    #[lifecycle::component(phase = LATE)]
    fn close(&self) {}
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 1);
}
