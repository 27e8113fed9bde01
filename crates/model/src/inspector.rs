//! Request inspectors: addresses of this server that record what is sent to them and answer as
//! configured, to point webhooks at while developing.

use crate::Audit;
use crate::id::{InspectionId, InspectorId, JobId, SpaceId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A request inspector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspector {
    /// Its id.
    pub id: InspectorId,
    /// Its space.
    pub space_id: SpaceId,
    /// What people call it; unique in its space.
    pub name: String,
    /// The secret part of its address.
    pub token: String,
    /// The status it answers with.
    pub status: u16,
    /// The headers it answers with.
    pub headers: Vec<(String, String)>,
    /// The body it answers with.
    pub body: String,
    /// Milliseconds it waits before it answers.
    pub delay_ms: i64,
    /// When the latest request came.
    pub last_request_at: Option<Micros>,
    /// Who and when.
    pub audit: Audit,
}

/// A request that an inspector recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its id; later ones sort later.
    pub id: InspectionId,
    /// The inspector.
    pub inspector_id: InspectorId,
    /// Its space.
    pub space_id: SpaceId,
    /// When it came.
    pub at: Micros,
    /// The method.
    pub method: String,
    /// The path, the inspector's own address included.
    pub path: String,
    /// The query, without its question mark; empty for none.
    pub query: String,
    /// The headers, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, cut at [`crate::limits::INSPECTION_BODY_BYTES_MAX`].
    pub body: Vec<u8>,
    /// Bytes of the whole body.
    pub size: i64,
    /// Where it came from.
    pub address: String,
    /// The webhook job that sent it, when its `webhook-id` is one of the space.
    pub job_id: Option<JobId>,
    /// What became of checking its signature.
    pub signature: SignatureCheck,
}

/// Whether a request's Standard Webhooks signature is one of the space's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureCheck {
    /// Whether it verifies.
    pub ok: bool,
    /// What was found, as a sentence.
    pub reason: String,
}
