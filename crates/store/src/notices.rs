//! Webhooks in trouble, and the notices that spaces were given.
//!
//! Whoever opens or closes a trouble, by the row count, is the one that tells: several nodes may
//! find out at once.

use model::id::{EventId, JobId, NoticeId, SpaceId, WebhookId};
use model::limits;
use model::notice::{Kind, Mail, Notice, Trouble};
use model::time::Micros;

use crate::{Error, Row, Select, Sql, Tx, Value};

const OPEN: Sql = Sql::both(
    "INSERT INTO webhook_troubles \
     (webhook_id, space_id, since, failures, is_disabled, error_class, message, job_id) \
     SELECT w.id, $2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BOOLEAN), $6, $7, $8 \
     FROM webhooks w WHERE w.id = $1 \
     ON CONFLICT (webhook_id) DO UPDATE SET is_disabled = excluded.is_disabled, \
     message = excluded.message, error_class = excluded.error_class, job_id = excluded.job_id \
     WHERE excluded.is_disabled AND NOT webhook_troubles.is_disabled",
);

/// Notes that a webhook is in trouble; `false` when that was known or the webhook is gone.
///
/// # Errors
/// What the database says.
pub fn open(tx: &mut Tx, trouble: &Trouble) -> Result<bool, Error> {
    let values = [
        (&trouble.webhook_id).into(),
        (&trouble.space_id).into(),
        trouble.since.into(),
        trouble.failures.into(),
        trouble.is_disabled.into(),
        trouble.error_class.as_ref().into(),
        (&trouble.message).into(),
        (&trouble.job_id).into(),
    ];
    Ok(tx.execute(&OPEN, &values)? == 1)
}

const CLOSE: Sql = Sql::both("DELETE FROM webhook_troubles WHERE webhook_id = $1");

/// Notes that a webhook is in trouble no more; `false` when it was not.
///
/// # Errors
/// What the database says.
pub fn close(tx: &mut Tx, webhook: &WebhookId) -> Result<bool, Error> {
    Ok(tx.execute(&CLOSE, &[webhook.into()])? == 1)
}

macro_rules! troubles {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT webhook_id, space_id, since, failures, is_disabled, error_class, message, ",
            "job_id FROM webhook_troubles ",
            $tail
        ))
    };
}

fn trouble(row: &Row) -> Result<Trouble, Error> {
    Ok(Trouble {
        webhook_id: WebhookId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        since: row.micros(2)?,
        failures: row.i64(3)?,
        is_disabled: row.bool(4)?,
        error_class: row.opt_text(5)?,
        message: row.text(6)?,
        job_id: JobId(row.text(7)?),
    })
}

const OF_WEBHOOK: Sql = troubles!("WHERE webhook_id = $1");

/// The trouble of a webhook.
///
/// # Errors
/// What the database says.
pub fn of_webhook(tx: &mut Tx, webhook: &WebhookId) -> Result<Option<Trouble>, Error> {
    tx.query_opt(&OF_WEBHOOK, &[webhook.into()], trouble)
}

const TROUBLES: Sql = troubles!("ORDER BY webhook_id LIMIT 10000");

/// The webhooks of all spaces that are in trouble; ten thousand at most.
///
/// # Errors
/// What the database says.
pub fn troubles(tx: &mut Tx) -> Result<Vec<Trouble>, Error> {
    tx.query(&TROUBLES, &[], trouble)
}

const OF_SPACE: Sql = troubles!("WHERE space_id = $1 ORDER BY since, webhook_id LIMIT 1000");

/// The webhooks of a space that are in trouble, those first that have been for longest.
///
/// # Errors
/// What the database says.
pub fn of_space(tx: &mut Tx, space: &SpaceId) -> Result<Vec<Trouble>, Error> {
    tx.query(&OF_SPACE, &[space.into()], trouble)
}

const INSERT: Sql = Sql::both(
    "INSERT INTO notices (id, space_id, at, kind, webhook_id, webhook, message, event_id, job_id, \
     mail_to, mail, mail_due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

const PURGE: Sql = Sql::both("DELETE FROM notices WHERE space_id = $1 AND at < $2");

/// Stores a notice and drops those of its space that are older than [`limits::NOTICE_DAYS`].
///
/// # Errors
/// What the database says.
pub fn insert(tx: &mut Tx, notice: &Notice) -> Result<(), Error> {
    let mail_to = serde_json::to_string(&notice.mail_to)
        .map_err(|error| Error::db(format!("addresses of a notice: {error}")))?;
    let due = (notice.mail == Mail::Waiting).then_some(notice.at);
    let values = [
        (&notice.id).into(),
        (&notice.space_id).into(),
        notice.at.into(),
        notice.kind.as_str().into(),
        (&notice.webhook_id).into(),
        (&notice.webhook).into(),
        (&notice.message).into(),
        (&notice.event_id).into(),
        (&notice.job_id).into(),
        Value::from(mail_to),
        notice.mail.as_str().into(),
        due.into(),
    ];
    tx.push(&INSERT, &values)?;
    let oldest = notice.at.plus_ms(-limits::NOTICE_DAYS * 24 * 60 * 60 * 1_000);
    tx.push(&PURGE, &[(&notice.space_id).into(), oldest.into()])
}

macro_rules! notices {
    ($tail:literal) => {
        Sql::both(concat!(
            "SELECT id, space_id, at, kind, webhook_id, webhook, message, event_id, job_id, ",
            "mail_to, mail, mail_tries, mail_error FROM notices ",
            $tail
        ))
    };
}

const LIST: Sql = notices!("WHERE space_id = $1");

fn read(row: &Row) -> Result<Notice, Error> {
    let (kind, mail) = (row.text(3)?, row.text(10)?);
    Ok(Notice {
        id: NoticeId(row.text(0)?),
        space_id: SpaceId(row.text(1)?),
        at: row.micros(2)?,
        kind: Kind::parse(&kind).ok_or_else(|| Error::db(format!("\"{kind}\" is no notice")))?,
        webhook_id: WebhookId(row.text(4)?),
        webhook: row.text(5)?,
        message: row.text(6)?,
        event_id: EventId(row.text(7)?),
        job_id: JobId(row.text(8)?),
        mail_to: row.json(9)?,
        mail: Mail::parse(&mail)
            .ok_or_else(|| Error::db(format!("\"{mail}\" is no state of a mail")))?,
        mail_tries: row.i64(11)?,
        mail_error: row.opt_text(12)?,
    })
}

/// The notices of a space, newest first, from the one after `after`.
///
/// # Errors
/// What the database says.
pub fn list(
    tx: &mut Tx,
    space: &SpaceId,
    after: Option<&(Micros, NoticeId)>,
    limit: i64,
) -> Result<Vec<Notice>, Error> {
    let mut select = Select::new(&LIST, &[space.into()]);
    if let Some((at, id)) = after {
        select.and_all("(at, id) < ($?, $?)", vec![(*at).into(), id.into()]);
    }
    select.end("ORDER BY at DESC, id DESC LIMIT $?", limit);
    select.query(tx, read)
}

const DUE_MAIL: Sql =
    notices!("WHERE mail = 'Waiting' AND mail_due_at <= $1 ORDER BY mail_due_at LIMIT $2");

/// The notices of all spaces whose mail is due, those first that have been for longest.
///
/// # Errors
/// What the database says.
pub fn due_mail(tx: &mut Tx, now: Micros, limit: i64) -> Result<Vec<Notice>, Error> {
    tx.query(&DUE_MAIL, &[now.into(), limit.into()], read)
}

const CLAIM_MAIL: Sql = Sql::both(
    "UPDATE notices SET mail_tries = mail_tries + 1, mail_due_at = $3 \
     WHERE id = $1 AND mail = 'Waiting' AND mail_tries = $2",
);

/// Takes a notice to send its mail: it is due again at `until`, should this node not come back to
/// it. `false` when another node was faster.
///
/// # Errors
/// What the database says.
pub fn claim_mail(tx: &mut Tx, notice: &Notice, until: Micros) -> Result<bool, Error> {
    let values = [(&notice.id).into(), notice.mail_tries.into(), until.into()];
    Ok(tx.execute(&CLAIM_MAIL, &values)? == 1)
}

const SETTLE_MAIL: Sql = Sql::both(
    "UPDATE notices SET mail = $2, mail_due_at = $3, mail_error = $4 \
     WHERE id = $1 AND mail = 'Waiting'",
);

/// Notes what became of a mail; `due`: when it is tried again, if it still waits.
///
/// # Errors
/// What the database says.
pub fn settle_mail(
    tx: &mut Tx,
    id: &NoticeId,
    mail: Mail,
    due: Option<Micros>,
    error: Option<&str>,
) -> Result<(), Error> {
    tx.push(&SETTLE_MAIL, &[id.into(), mail.as_str().into(), due.into(), error.into()])
}
