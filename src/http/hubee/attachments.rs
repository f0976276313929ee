//! The operations of the hub on attachments of folders and events, both ways (R14).
//!
//! A file streams: neither way holds more of it than a few hundred kilobytes. What is answered of a stored file (whole, a
//! range, not again) is [`range`]'s to say, as for pieces; `digest` stands beside it, as deployed clients read it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_RANGE};

use super::{ADMIN, Hub, OSL, SI, caller::HubCaller};
use crate::{
    domain::{
        hubee::{
            Refusal, Result,
            attachments::{
                download,
                target::{self, Target},
                upload::{Digest, Upload},
            },
        },
        incidents::trouble,
        pieces::content::Readable,
    },
    http::{
        api::reading,
        body::fault_of,
        operation::{Operation, get, put},
        range::{self, Plan, Stored},
    },
    kernel::fault::{Code, Fault},
};

/// The SHA-256 of a file, in base64.
const DIGEST: HeaderName = HeaderName::from_static("digest");
/// The type of every answer that is a file: the contract knows no other.
const OCTETS: &str = "application/octet-stream";

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    const OF_FOLDER: &str = "/teledossiers/v1/folders/{folderId}/attachments/{attachmentId}";
    const OF_CASE: &str = "/teledossiers/v1/cases/{caseId}/attachments/{attachmentId}";
    const OF_EVENT: &str =
        "/teledossiers/v1/cases/{caseId}/events/{eventId}/attachments/{attachmentId}";
    vec![
        put(OF_FOLDER, upload_to_folder),
        get(OF_CASE, download_from_case),
        put(OF_EVENT, upload_to_event),
        get(OF_EVENT, download_from_event),
    ]
}

/// Receives the file of a folder's attachment.
async fn upload_to_folder(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | ADMIN }, 2>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    let [folder, attachment] = caller.ids;
    let target = target::of_folder(&hub.ctx, &caller, folder, attachment).await?;
    receive(&hub, target, &headers, body).await
}

/// Receives the file of an event's attachment.
async fn upload_to_event(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 3>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    let [case, event, attachment] = caller.ids;
    let target = target::of_event(&hub.ctx, &caller, (case, event), attachment).await?;
    receive(&hub, target, &headers, body).await
}

/// `http::connection` runs this in a task of its own: a client that hangs up after its last byte changes nothing, and one that
/// hangs up before cuts the body.
async fn receive(hub: &Hub, target: Target, headers: &HeaderMap, body: Body) -> Result<StatusCode> {
    let digest = headers.get(DIGEST);
    let digest = digest.map(|value| value.to_str().unwrap_or_default());
    let mut upload = Upload::open(&hub.ctx, target, Digest::read(digest)).await?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(bytes) => upload.write(&bytes).await?,
            Err(error) => return Err(broken(hub, upload, fault_of(&error)).await),
        }
    }
    upload.finish(&hub.ctx, &hub.scanner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A body that did not come to its end: too long for the hub is too long for its attachment; one that was cut leaves all as
/// it was.
async fn broken(hub: &Hub, upload: Upload, fault: Fault) -> Refusal {
    match fault.code() {
        Code::TooLarge => upload.refuse_endless(&hub.ctx).await,
        _ => fault.into(),
    }
}

/// The file of an attachment that a case sees.
async fn download_from_case(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 2>,
    headers: HeaderMap,
) -> Result<Response> {
    let [case, attachment] = caller.ids;
    let found = download::of_case(&hub.ctx, &caller, case, attachment).await?;
    answer(&hub, found, &headers).await
}

/// The file of an event's attachment.
async fn download_from_event(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 3>,
    headers: HeaderMap,
) -> Result<Response> {
    let [case, event, attachment] = caller.ids;
    let found = download::of_event(&hub.ctx, &caller, (case, event), attachment).await?;
    answer(&hub, found, &headers).await
}

async fn answer(hub: &Hub, found: Readable, asked: &HeaderMap) -> Result<Response> {
    let stored = Stored {
        size: found.row.size,
        sha256: &found.row.sha256,
        file_name: &found.file_name,
        media_type: OCTETS,
    };
    let plan = range::plan(&stored, asked);
    if plan == Plan::Unsatisfiable {
        return unsatisfiable(stored.size);
    }
    let (status, mut headers) = range::head(&stored, &plan);
    let digest = HeaderValue::from_str(&BASE64.encode(stored.sha256));
    headers.insert(DIGEST, digest.map_err(Fault::internal)?);
    let body = match plan {
        Plan::NotModified => Body::empty(),
        _ => {
            let (ctx, folder) = (&hub.ctx, found.row.exchange_id);
            let bytes = plan.bytes(stored.size);
            let body = reading::bytes(ctx, folder, &found.reader, bytes).await;
            if let Err(fault) = &body {
                trouble::damaged(ctx, folder, fault).await;
            }
            body?
        }
    };
    Ok((status, headers, body).into_response())
}

/// A range that the file does not have, with its size.
fn unsatisfiable(size: u64) -> Result<Response> {
    let fault = Fault::new(
        Code::RangeNotSatisfiable,
        "The file does not have that range",
    );
    let mut response = Refusal::Fault(fault).into_response();
    let told = HeaderValue::from_str(&format!("bytes */{size}")).map_err(Fault::internal)?;
    response.headers_mut().insert(CONTENT_RANGE, told);
    Ok(response)
}
