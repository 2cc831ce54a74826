struct Pool<T>(T);

macro_rules! for_each {
    ($($concrete:ty),*; impl<T> Pool<T> { $($body:tt)* }) => { for_each!(@ [$($concrete)*] { $($body)* }); };
    (@ [$concrete:ty] { $($body:tt)* }) => { impl Pool<$concrete> { $($body)* } };
}

for_each! { u8; impl<T> Pool<T> {
    #[lifecycle::component]
    fn close(&self) {}
} }

fn main() {
    lifecycle::manage(Pool(1_u8));
}
