//! What reads files: on a thread of its own, one at a time, since a disk that does not respond must hold up no probe.

use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::os::thread;

/// An answer takes no longer. One thread waits for a disk that does not respond; who asks meanwhile is told so after this time.
const PATIENCE: Duration = Duration::from_secs(2);

static READER: Semaphore = Semaphore::const_new(1);

/// `None` if it takes too long.
pub(super) async fn read<T: Send + 'static>(read: fn() -> T) -> Option<T> {
    timeout(PATIENCE, read_in_turn(read)).await.ok().flatten()
}

async fn read_in_turn<T: Send + 'static>(read: fn() -> T) -> Option<T> {
    let mut turn = Some(READER.acquire().await.ok()?);
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let work = move || {
        let turn = turn.take();
        let answer = sender.take().zip(turn.is_some().then(read));
        drop(turn);
        // Who asked may have given up.
        answer.into_iter().for_each(|(sender, answer)| drop(sender.send(answer)));
    };
    thread::spawn("lifecycle-reader", None, work).ok()?;
    receiver.await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    static RESPONDS: AtomicBool = AtomicBool::new(false);

    /// One test, since there is one reader.
    #[tokio::test]
    async fn a_disk_that_does_not_respond_and_a_panic_hold_up_nobody() {
        fn from_disk() {
            while !RESPONDS.load(Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        fn panics() {
            panic!("as it should");
        }
        for _ in 0..2 {
            assert_eq!(read(from_disk).await, None);
        }
        RESPONDS.store(true, Relaxed);
        assert_eq!(read(from_disk).await, Some(()));
        assert_eq!(read(panics).await, None);
        assert_eq!(read(|| 7).await, Some(7));
    }
}
