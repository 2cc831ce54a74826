#[lifecycle::heartbeat]
async fn rounds(mut left: u8) -> u8 {
    'all: loop {
        for round in 0..3 {
            if round == 2 {
                continue 'all;
            }
            left -= std::future::ready(1).await;
            if left == 0 {
                break 'all;
            }
        }
    }
    while let Some(more) = left.checked_add(1).filter(|more| *more < 3) {
        left = more;
    }
    left
}

fn main() {
    let mut rounds = std::pin::pin!(rounds(4));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(rounds.as_mut().poll(&mut context), std::task::Poll::Ready(2));
}
