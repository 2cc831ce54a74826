struct Ring<const N: usize>;

impl<const N: usize> Ring<N> {
    #[lifecycle::component]
    fn flush(&self) {}
}

fn main() {}
