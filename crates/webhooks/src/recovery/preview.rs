//! What a recovery would do, before it is begun.

use super::{ADMINISTER, NewRecovery, job_query, missing};
use crate::jobs::wanted;
use crate::{Actor, Error, Webhooks};
use model::id::JobId;
use model::limits;
use model::recovery::{Mode, Recovery};
use std::collections::BTreeMap;
use store::jobs::Found;

/// Jobs shown as examples.
const SAMPLE_ROWS: usize = 10;

/// What a recovery would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Jobs it would deal with.
    pub count: i64,
    /// Whether that is the exact number; otherwise it is "at least".
    pub is_exact: bool,
    /// How many of them, by webhook; most first.
    pub by_webhook: Vec<(String, i64)>,
    /// How many of them, by the class of the last failure (`none` without one); most first.
    pub by_class: Vec<(String, i64)>,
    /// Some of them, the first it would deal with.
    pub sample: Vec<Found>,
}

impl Webhooks {
    /// Tells what a recovery would do, without doing it.
    ///
    /// # Errors
    /// As [`Webhooks::create_recovery`].
    pub async fn preview_recovery(
        &self,
        actor: &Actor,
        new: NewRecovery,
    ) -> Result<Preview, Error> {
        actor.must_administer(ADMINISTER)?;
        let recovery = self.recovery_of(actor, new, self.inner.runtime.now())?;
        if recovery.mode == Mode::Missing {
            return self.preview_missing(&recovery).await;
        }
        let query = job_query(&recovery);
        self.read(move |tx| {
            let space = &recovery.space_id;
            if let Some(ids) = &recovery.ids {
                let by_id = |id: &JobId| store::jobs::by_id(tx, space, id).transpose();
                let found = ids.iter().filter_map(by_id).collect::<Result<Vec<_>, _>>()?;
                let name = |found: &Found| {
                    let class = found.job.error_class.map(|class| class.as_str().to_owned());
                    (found.job.name.clone(), class)
                };
                let names = found.iter().map(name).collect();
                return Ok(preview(names, true, found));
            }
            let mut wanted = wanted(tx, space, &query)?;
            wanted.limit = limits::RECOVERY_PREVIEW_ROWS;
            let rows = limits::COUNT_ROWS_MAX;
            let (names, is_all) = store::jobs::names(tx, space, &wanted, rows)?;
            (wanted.oldest_first, wanted.with_bodies) = (true, false);
            wanted.limit = i64::try_from(SAMPLE_ROWS).unwrap_or(10);
            let sample = store::jobs::step(tx, space, &wanted, rows)?.found;
            let mut preview = preview(names, is_all, sample);
            if !is_all {
                wanted.limit = limits::RECOVERY_COUNT_MAX;
                (preview.count, preview.is_exact) = store::jobs::count(tx, space, &wanted, rows)?;
            }
            Ok(preview)
        })
        .await
    }

    async fn preview_missing(&self, recovery: &Recovery) -> Result<Preview, Error> {
        let max = limits::RECOVERY_PREVIEW_EVENTS;
        let filter = &recovery.filter;
        let looked = missing::look(self, &recovery.space_id, filter, None, max).await?;
        let names = looked.gaps.iter().map(|job| (job.name.clone(), None)).collect();
        let sample = looked.gaps.into_iter().map(|job| Found {
            job,
            payload: None,
            kapp_slug: filter.kapp_slug.clone(),
            recovery_id: None,
            payload_removed_at: None,
        });
        Ok(preview(names, looked.events < max, sample.collect()))
    }
}

fn preview(
    names: Vec<(String, Option<String>)>,
    is_exact: bool,
    mut sample: Vec<Found>,
) -> Preview {
    let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
    let (mut webhooks, mut classes) = (BTreeMap::new(), BTreeMap::new());
    for (webhook, class) in names {
        *webhooks.entry(webhook).or_insert(0_i64) += 1;
        *classes.entry(class.unwrap_or_else(|| "none".to_owned())).or_insert(0_i64) += 1;
    }
    let most_first = |counts: BTreeMap<String, i64>| {
        let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    };
    sample.truncate(SAMPLE_ROWS);
    Preview {
        count,
        is_exact,
        by_webhook: most_first(webhooks),
        by_class: most_first(classes),
        sample,
    }
}
