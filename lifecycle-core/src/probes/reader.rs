//! What reads files: on a thread of its own, one at a time, since a disk that does not respond must hold up no probe.

use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::os::thread;

/// An answer takes no longer. Behind a disk that does not respond there is one thread, and everybody else is told at once that it waits.
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
    use super::*;

    /// As long as the disk does not respond.
    static DISK: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[tokio::test]
    async fn a_disk_that_does_not_respond_holds_up_nobody() {
        let stuck = || drop(DISK.lock());
        let held = DISK.lock().expect("first");
        for _ in 0..2 {
            assert_eq!(read(stuck).await, None);
        }
        drop(held);
        assert_eq!(read(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn a_reader_that_panics_is_no_end() {
        fn panics() -> u32 {
            panic!("as it should")
        }
        assert_eq!(read(panics).await, None);
        assert_eq!(read(|| 7).await, Some(7));
    }
}
