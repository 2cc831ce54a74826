trait Close {
    fn close(&self);
}

impl Close for u8 {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {}
