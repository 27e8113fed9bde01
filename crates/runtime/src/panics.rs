//! Panics of one task that must not end others.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

/// Runs a future to its end. A panic in it drops what it held and comes back as its message.
///
/// # Errors
/// The message of the panic.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        // The future is not polled again after a panic, so nobody sees it half changed.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(message(panic.as_ref()))),
        }
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::caught;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_panic_comes_back_and_what_the_future_held_is_dropped() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let held = Arc::new(());
        let own = held.clone();
        let broken = caught(async move {
            let _own = own;
            tokio::task::yield_now().await;
            panic!("it broke");
        });
        assert_eq!(broken.await, Err::<(), _>("it broke".to_owned()));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
