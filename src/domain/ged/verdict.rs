//! Whether a document may be passed on: the antivirus's verdict, and whether its project demands one.
//!
//! The one question that every channel puts before it opens, sends or hands out what came in: [`standing`].

use crate::{
    domain::{
        Context,
        exchanges::{HUB, status::words},
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        Tx,
        exchanges::DocumentRow,
        scans::{self, ScanRow},
    },
};

words! {
    /// What the antivirus said of a document.
    Verdict {
        /// All of it was looked at, and nothing found.
        Clean = "clean",
        /// A signature was found: the document is in quarantine.
        Infected = "infected",
    }
}

/// How a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its project demands no scan, and none was made.
    Unasked,
    /// Found clean.
    Clean,
    /// In quarantine for this signature.
    Quarantined(String),
    /// Its project demands a scan that it has not had.
    Awaited,
}

impl Standing {
    /// Fails with `content-held` where the document may not be handed out.
    pub fn permit(&self) -> Result<()> {
        let held = |detail: &'static str| Fault::new(Code::ContentHeld, detail);
        match self {
            Self::Unasked | Self::Clean => Ok(()),
            Self::Quarantined(_) => Err(held(
                "L'antivirus a trouvé une signature dans ce contenu : il est en quarantaine.",
            )),
            Self::Awaited => Err(held("Ce contenu attend le verdict de l'antivirus.").early()),
        }
    }
}

/// Whether `project`, or the hub, has its documents looked at.
pub fn is_demanded(ctx: &Context, project: &str) -> bool {
    if project == HUB {
        let hub = ctx.config.gateway.hubee.as_ref();
        return hub.is_some_and(|hub| hub.antivirus);
    }
    let project = ctx.config.projects.get(project);
    project.is_some_and(|project| project.antivirus)
}

/// How `document` stands, where its project demands a scan or does not.
pub fn standing(tx: &mut Tx<'_>, document: &DocumentRow, demanded: bool) -> Result<Standing> {
    match scans::find(tx, document.id)? {
        Some(row) => given(row),
        None if demanded => Ok(Standing::Awaited),
        None => Ok(Standing::Unasked),
    }
}

fn given(row: ScanRow) -> Result<Standing> {
    Ok(match Verdict::parse(&row.verdict)? {
        Verdict::Clean => Standing::Clean,
        Verdict::Infected => Standing::Quarantined(row.signature.unwrap_or_default()),
    })
}
