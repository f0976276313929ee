//! The work of a `send-return` job: one try to leave a return archive on its depot. What follows from it is for `sent`.
//!
//! A try can be made again: a file of that name with this content is ours, and one that was cut goes on where it was.

use std::time::Instant;

use jiff::Timestamp;

use super::{
    outlet::{self, Way},
    sent::Try,
};
use crate::{
    domain::{
        Context,
        archives::Lines,
        ged::documents::{self, Column},
        incidents::trouble,
        jobs::{End, Settlement},
        returns::trial::{Trial, is_done},
    },
    kernel::{
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{
        documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs::JobRow,
        return_files::{self, ReturnFileRow},
        returns::{self, ReturnRow},
    },
    transport::{ReadSeek, Uploaded, path, upload_over},
    vault::BlobReader,
};

/// Tries once to leave the return that `job` is about on its depot.
pub async fn run(ctx: &Context, lines: &Lines, job: &JobRow) -> Result<Settlement> {
    let found = Found::read(ctx, job).await?;
    if is_done(&found.row, &found.exchange) {
        return Ok(Settlement::bare(End::Done));
    }
    let way = outlet::find(ctx, &found.file.depot, &found.file.flow)?;
    let key = documents::exchange_key(ctx, &found.exchange).await?;
    let name = documents::open_bytes(&key, Column::ReturnName, &found.file.name)?;
    let name = String::from_utf8(name).map_err(Fault::internal)?;
    let blob = documents::blob(ctx, &found.exchange.project, &found.document).await?;
    let id = ctx.entropy.uuid(&ctx.clock)?;
    // Its job knows nothing of the troubles of the job before.
    let troubles = match found.row.redelivery_id {
        Some(_) => trouble::of_delivery(ctx, &found.exchange).await?,
        None => Vec::new(),
    };
    let (at, started) = (ctx.clock.now(), Instant::now());
    failpoint::hit("send.before-upload");
    let left = left(lines, &way, name, blob).await;
    failpoint::hit("send.after-upload");
    let trial = Trial {
        row: found.row,
        exchange: found.exchange,
        key,
        made: found.made + 1,
        id,
        at,
        took: started.elapsed(),
    };
    let made = Try {
        trial,
        document: found.document,
        way,
        troubles,
    };
    match left {
        Ok((uploaded, about)) => made.left(ctx, uploaded, &about),
        // Ours, and no word about the depot.
        Err(fault) if is_ours(&fault) => Err(fault),
        Err(fault) => made.refused(ctx, &fault),
    }
}

fn is_ours(fault: &Fault) -> bool {
    matches!(
        fault.code(),
        Code::Internal | Code::Corrupt | Code::Unavailable | Code::Configuration
    )
}

/// Leaves the file, and its marker where the flow wants one; answers what its transport calls the transfer, too.
async fn left(
    lines: &Lines,
    way: &Way,
    name: String,
    blob: BlobReader,
) -> Result<(Uploaded, Vec<(String, String)>)> {
    let (folder, marker) = (way.flow.path.clone(), way.out.marker.clone());
    let work = move |line: &mut crate::transport::Line| {
        let mut source: Box<dyn ReadSeek> = Box::new(blob.seekable());
        let uploaded = upload_over(line, &folder, &name, source.as_mut(), blob.size())?;
        let path = path::join(&folder, &name)?;
        let about = line.with(|session| session.about(&path))?;
        if let Some(suffix) = marker {
            let mut nothing: Box<dyn ReadSeek> = Box::new(std::io::Cursor::new(Vec::new()));
            upload_over(
                line,
                &folder,
                &format!("{name}{suffix}"),
                nothing.as_mut(),
                0,
            )?;
        }
        Ok((uploaded, about))
    };
    lines.with(&way.depot.name, work).await
}

/// What a try is about.
struct Found {
    row: ReturnRow,
    exchange: ExchangeRow,
    file: ReturnFileRow,
    document: DocumentRow,
    /// How many tries this job has made.
    made: u32,
}

impl Found {
    async fn read(ctx: &Context, job: &JobRow) -> Result<Self> {
        let (id, since): (_, Timestamp) = (job.subject, job.created_at);
        let missing = move || Fault::internal(format!("return {id} has no row, file or archive"));
        let read = ctx.store.read(move |tx| {
            let row = returns::find(tx, id)?.ok_or_else(missing)?;
            let exchange = exchanges::find(tx, row.exchange_id)?.ok_or_else(missing)?;
            let file = return_files::find(tx, id)?.ok_or_else(missing)?;
            let document = rows::find(tx, file.document_id)?.ok_or_else(missing)?;
            let made = return_files::tried_since(tx, id, since)?;
            Ok(Self {
                row,
                exchange,
                file,
                document,
                made,
            })
        });
        read.await
    }
}
