struct Store;

impl Store {
    #[lifecycle::component(ordr = 1, phase = "disconect", timeout = 5)]
    unsafe fn close(&mut self, _hard: bool) {}
}

fn main() {}
