//! Faults of our own, kept to the job they befell.

use crate::record::Report;
use crate::send::Failure;
use model::job::{AttemptDetail, ErrorClass};
use std::sync::Arc;
use store::Error;

/// What is told of a job that met a fault of Kapok.
const FAULT: &str = "Kapok failed while it made, sent or recorded this attempt: a fault of Kapok, \
     not of the endpoint. Whether the request was sent is not known; the server's log says more";

/// The failure of an attempt that met a fault of Kapok.
pub(crate) fn fault() -> Failure {
    Failure::new(ErrorClass::Internal, FAULT)
}

/// What is left of a report that cannot be written as it is: that its attempt ended, and how.
fn plain(report: &Report) -> Report {
    let mut plain = report.clone();
    if let Report::Ended { settled, attempt, disable, .. } = &mut plain {
        settled.response_content = None;
        settled.summary = FAULT.to_owned();
        settled.error_class = Some(ErrorClass::Internal);
        attempt.detail = AttemptDetail {
            error_class: Some(ErrorClass::Internal),
            error: Some(FAULT.to_owned()),
            ..AttemptDetail::default()
        };
        *disable = None;
    }
    plain
}

/// Whether an error is about what was written and will come again: not the store's state.
fn is_poison(error: &Error) -> bool {
    matches!(error, Error::Panic { .. } | Error::Constraint { .. } | Error::Unique { .. })
}

/// Writes reports together. When what one of them holds cannot be written, each is written alone,
/// and that one without what it holds.
///
/// # Errors
/// What `write` says, with the reports that are not written yet.
pub(crate) async fn write<W, F>(
    batch: Arc<[Report]>,
    write: W,
) -> Result<(), (Error, Arc<[Report]>)>
where
    W: Fn(Arc<[Report]>) -> F,
    F: Future<Output = Result<(), Error>>,
{
    match write(batch.clone()).await {
        Ok(()) => return Ok(()),
        Err(error) if !is_poison(&error) => return Err((error, batch)),
        Err(error) => tracing::error!(%error, "recording attempts met a fault of Kapok"),
    }
    for (i, report) in batch.iter().enumerate() {
        let mut alone = write([report.clone()].into()).await;
        if alone.as_ref().is_err_and(is_poison) {
            alone = write([plain(report)].into()).await;
        }
        match alone {
            Ok(()) => {}
            // Nothing of it can be written: its lease ends, and it is attempted again.
            Err(error) if is_poison(&error) => {
                tracing::error!(%error, "an attempt could not be recorded");
            }
            Err(error) => return Err((error, batch.iter().skip(i).cloned().collect())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::Outcome;
    use model::delivery::Policy;
    use model::id::JobId;
    use model::time::Micros;
    use runtime::Runtime;
    use std::future::ready;
    use std::sync::Mutex;

    fn report(id: &str) -> Report {
        let mut job = crate::attempt::tests::job();
        job.id = JobId(id.to_owned());
        let failure = Failure::new(ErrorClass::Reset, "as it was");
        let outcome = Outcome::unsent(Micros(0), failure);
        let runtime = Runtime::fake(Micros(0), 1);
        let judged = crate::judge::judge(&job, &outcome, &Policy::default(), &runtime);
        Report::Ended {
            space_id: job.space_id,
            settled: judged.settled,
            attempt: Box::new(judged.attempt),
            disable: None,
            is_ordered: false,
            sign: None,
        }
    }

    fn read(report: &Report) -> (String, ErrorClass) {
        match report {
            Report::Ended { settled, .. } => (settled.id.0.clone(), settled.error_class.unwrap()),
            Report::Started { .. } => panic!("there is none"),
        }
    }

    #[tokio::test]
    async fn one_poisoned_report_is_written_plainly_and_the_others_as_they_are() {
        let batch: Arc<[Report]> = ["a", "b", "c"].map(report).into();
        let (written, fails) = (Mutex::new(Vec::new()), Mutex::new(false));
        let store = |reports: Arc<[Report]>| {
            let seen: Vec<_> = reports.iter().map(read).collect();
            if seen.contains(&("b".to_owned(), ErrorClass::Reset)) {
                return ready(Err(Error::Panic { message: "b".to_owned() }));
            }
            if *fails.lock().unwrap() {
                return ready(Err(Error::Overloaded));
            }
            written.lock().unwrap().extend(seen);
            ready(Ok(()))
        };
        write(batch, store).await.unwrap();
        let (reset, internal) = (ErrorClass::Reset, ErrorClass::Internal);
        let expect = [("a", reset), ("b", internal), ("c", reset)];
        assert_eq!(*written.lock().unwrap(), expect.map(|(id, class)| (id.to_owned(), class)));

        // A store that is busy gets all of it again, later.
        *fails.lock().unwrap() = true;
        let batch: Arc<[Report]> = ["a", "c"].map(report).into();
        let (error, left) = write(batch, store).await.unwrap_err();
        assert!(matches!(error, Error::Overloaded));
        assert_eq!(left.len(), 2);
    }
}
