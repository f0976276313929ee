//! `navette receipt verify`: what a receipt proves, without asking the gateway.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::json;

use super::{Answer, Settings, output};
use crate::{
    app::House,
    domain::receipts::{self, Proven, SignerInfo},
    kernel::{
        digest::{Hasher, Sha256, hex},
        fault::{Code, Fault, Result},
    },
};

/// Reads and verifies the signed receipts of the gateway.
#[derive(Args)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verifies a receipt (CMS, DER) and shows what it proves. Ends with 1 where it does not hold.
    ///
    /// Example: navette receipt verify recu.p7m --ca autorite.pem --content facture.pdf
    Verify(VerifyArgs),
}

#[derive(Args)]
struct VerifyArgs {
    /// The receipt, as `GET …/receipt` gives it in application/pkcs7-mime.
    file: PathBuf,
    /// The authority (PEM) that the signer's certificate must come from. Where left out: the signer of the settings.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// The document: it must have the proven SHA-256 and size.
    #[arg(long)]
    content: Option<PathBuf>,
    /// The dossier's id: its keyed hash must be the proven one. Needs the gateway's settings and database.
    #[arg(long)]
    dossier: Option<String>,
    /// The project that must be the proven one.
    #[arg(long)]
    project: Option<String>,
    /// The instant at which the certificates must have been valid, such as 2027-03-01 or 2027-03-01T12:00:00Z.
    #[arg(long, value_parser = instant)]
    at: Option<Timestamp>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: ReceiptArgs) -> Result<Answer> {
    let Command::Verify(args) = args.command;
    let der = read(&args.file)?;
    let proof = match proof(settings, &args, &der) {
        Ok(proof) => proof,
        Err(fault) if fault.code() == Code::Corrupt => return Ok(refused(&args, &fault)),
        Err(fault) => return Err(fault),
    };
    let checks = checks(settings, &args, &proof.0).await?;
    let holds = checks.iter().all(|check| check.holds);
    show(&args, &proof, &checks, holds);
    match holds {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || -> Option<Timestamp> {
        let date: Date = text.parse().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>()
        .ok()
        .or_else(day)
        .ok_or_else(|| "expected a date or an instant, such as 2027-03-01T12:00:00Z".to_owned())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Fault {
    Fault::new(Code::Usage, format!("{}: {error}", file.display()))
}

fn proof(settings: &Settings, args: &VerifyArgs, der: &[u8]) -> Result<(Proven, SignerInfo)> {
    let Some(ca) = &args.ca else {
        let config = settings.load().map_err(|fault| {
            let detail = "give the authority of the receipts with --ca, or the gateway's settings";
            Fault::new(Code::Usage, detail).because(fault)
        })?;
        let signer = read(&config.gateway.receipts.signer.certificate)?;
        return receipts::verify_any(der, &signer, true, args.at);
    };
    receipts::verify_any(der, &read(ca)?, false, args.at)
}

/// One thing that was compared with the receipt.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    holds: bool,
    detail: String,
}

/// What both kinds of receipt prove.
struct Core<'a> {
    project: &'a str,
    size: u64,
    sha256: &'a Sha256,
    /// Nothing for an archive: it may have several.
    dossier: Option<&'a Sha256>,
}

impl<'a> Core<'a> {
    fn of(proven: &'a Proven) -> Self {
        match proven {
            Proven::Piece(receipt) => Self {
                project: &receipt.project,
                size: receipt.size,
                sha256: &receipt.sha256,
                dossier: Some(&receipt.dossier_id_hash),
            },
            Proven::Archive(receipt) => Self {
                project: &receipt.project,
                size: receipt.size,
                sha256: &receipt.sha256,
                dossier: None,
            },
        }
    }
}

async fn checks(settings: &Settings, args: &VerifyArgs, proven: &Proven) -> Result<Vec<Check>> {
    let receipt = &Core::of(proven);
    let mut checks = Vec::new();
    if let Some(file) = &args.content {
        checks.push(content(file, receipt)?);
    }
    if let Some(project) = &args.project {
        checks.push(Check {
            what: "project",
            holds: *project == receipt.project,
            detail: format!("proven: {}", receipt.project),
        });
    }
    if let Some(dossier) = &args.dossier {
        checks.push(self::dossier(settings, dossier, receipt).await?);
    }
    Ok(checks)
}

fn content(path: &Path, receipt: &Core<'_>) -> Result<Check> {
    let failed = |error| unreadable(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hasher, mut size, mut buffer) = (Hasher::new(false), 0, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
    let sha256 = hasher.finish().sha256;
    Ok(Check {
        what: "content",
        holds: sha256 == *receipt.sha256 && size == receipt.size,
        detail: format!("{}: SHA-256 {}, {size} bytes", path.display(), hex(&sha256)),
    })
}

/// The hash is made under the project's key, which the gateway alone holds.
async fn dossier(settings: &Settings, dossier: &str, receipt: &Core<'_>) -> Result<Check> {
    let house = House::open_read_only(settings.load()?).await?;
    let keys = house.ctx.keyring.held(receipt.project).await?;
    let keys = keys.ok_or_else(|| {
        let detail = format!("this gateway has no key of project {}", receipt.project);
        Fault::new(Code::Usage, detail)
    })?;
    let hash = keys.hash(dossier);
    Ok(Check {
        what: "dossier",
        holds: receipt.dossier == Some(&hash),
        detail: format!("keyed hash {}", hex(&hash)),
    })
}

fn refused(args: &VerifyArgs, fault: &Fault) -> Answer {
    let (reason, cause) = (fault.detail(), fault.cause().unwrap_or_default());
    let answer = json!({ "valid": false, "reason": reason, "cause": cause });
    output::either(args.json, &answer, || {
        format!(
            "NOT VALID: {reason}\n  {cause}\n  an expired signer? try --at with the day of the reception"
        )
    });
    Answer::No
}

fn show(
    args: &VerifyArgs,
    (receipt, signer): &(Proven, SignerInfo),
    checks: &[Check],
    holds: bool,
) {
    let command = command(args);
    let answer = json!({
        "valid": holds, "receipt": receipt, "checks": checks, "openssl": command,
        "signer": {
            "subject": signer.subject, "certificateSha256": hex(&signer.certificate_sha256), "signedAt": signer.signed_at,
        },
    });
    output::either(args.json, &answer, || {
        let mut lines = vec![match holds {
            true => "VALID: the signature holds, nothing was changed".to_owned(),
            false => "NOT THE SAME: the signature holds, but for something else".to_owned(),
        }];
        lines.extend(proven(receipt));
        lines.extend([
            format!("  signed by   {}", signer.subject),
            format!("  certificate {}", hex(&signer.certificate_sha256)),
        ]);
        lines.extend(checks.iter().map(|check| {
            let word = if check.holds { "same" } else { "DIFFERENT" };
            format!("  {:<11} {word} ({})", check.what, check.detail)
        }));
        lines.push(format!("the same by hand: {command}"));
        lines.join("\n")
    });
}

/// What the receipt says, line by line.
fn proven(receipt: &Proven) -> Vec<String> {
    let content = |size, sha256| format!("  content     {size} bytes, SHA-256 {}", hex(sha256));
    match receipt {
        Proven::Piece(receipt) => vec![
            format!("  piece       {}", receipt.reconciliation_id),
            format!("  receipt     {}", receipt.receipt_id),
            format!(
                "  received    {} by {} ({})",
                receipt.received_at, receipt.project, receipt.environment
            ),
            format!("  iteration   {}", receipt.iteration),
            content(receipt.size, &receipt.sha256),
        ],
        Proven::Archive(receipt) => vec![
            format!("  archive     {}", receipt.reconciliation_id),
            format!("  receipt     {}", receipt.receipt_id),
            format!(
                "  received    {} by {} ({}), depot {}",
                receipt.received_at, receipt.project, receipt.environment, receipt.depot
            ),
            format!(
                "  outcome     {}: {} of {} pieces accepted",
                receipt.outcome.as_str(),
                receipt.pieces.accepted,
                receipt.pieces.received
            ),
            content(receipt.size, &receipt.sha256),
        ],
    }
}

/// What anybody runs to verify the signature without this program.
fn command(args: &VerifyArgs) -> String {
    let ca = args.ca.as_deref().unwrap_or(Path::new("AUTHORITY.pem"));
    let at = args.at.map(|at| format!(" -attime {}", at.as_second()));
    format!(
        "openssl cms -verify -inform DER -in {} -CAfile {}{}",
        quoted(&args.file),
        quoted(ca),
        at.unwrap_or_default()
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
