//! A caller's closure on its way through a queue: run it, keep what it returned, answer later.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::error::Error;
use super::tx::Tx;

/// How a closure ended.
pub(super) enum Ran {
    /// It returned `Ok`: commit.
    Done,
    /// It returned `Err`: roll back and answer with its own error.
    Refused,
    /// It panicked: roll back.
    Panicked(Error),
}

/// A closure with its caller, its types forgotten.
pub(super) trait Work: Send {
    /// Runs the closure and keeps its result for the answer. May be called again.
    fn run(&mut self, tx: &mut Tx) -> Ran;
    /// Answers with the kept result, or with the store's own error.
    fn answer(self: Box<Self>, refusal: Option<Error>);
}

/// What is done once a closure is committed.
pub(super) type Then = Box<dyn FnOnce() + Send>;

/// Work, and where its answer comes.
pub(super) type Packed<T, E> = (Box<dyn Work>, oneshot::Receiver<Result<T, E>>);

struct Call<T, E, F> {
    closure: F,
    then: Option<Then>,
    kept: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// Packs a closure; the receiver gets its answer.
pub(super) fn pack<T, E, F>(closure: F, then: Option<Then>) -> Packed<T, E>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Call { closure, then, kept: None, caller }), answer)
}

impl<T, E, F> Work for Call<T, E, F>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &mut Tx) -> Ran {
        // The closure sees the transaction only, which is rolled back after a panic.
        match catch_unwind(AssertUnwindSafe(|| (self.closure)(tx))) {
            Ok(result) => {
                let ran = if result.is_ok() { Ran::Done } else { Ran::Refused };
                self.kept = Some(result);
                ran
            }
            Err(panic) => {
                let message = panic
                    .downcast_ref::<&str>()
                    .map(ToString::to_string)
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "no message".to_owned());
                Ran::Panicked(Error::Panic { message })
            }
        }
    }

    fn answer(self: Box<Self>, refusal: Option<Error>) {
        let result = match (refusal, self.kept) {
            (Some(error), _) => Err(E::from(error)),
            (None, Some(result)) => result,
            (None, None) => Err(E::from(Error::BatchLost)),
        };
        if let Some(then) = self.then.filter(|_| result.is_ok()) {
            // It is stored: that cannot be taken back, and others of the batch wait.
            if catch_unwind(AssertUnwindSafe(then)).is_err() {
                tracing::error!("handing on what was committed panicked");
            }
        }
        // A caller that stopped waiting does not need the answer.
        drop(self.caller.send(result));
    }
}
