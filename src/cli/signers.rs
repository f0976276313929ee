//! The signers whose receipts this gateway knows: the one of the settings, and those that signed before.

use std::{fs, path::PathBuf};

use crate::{
    config::Gateway,
    kernel::fault::{Code, Fault, Result},
};

/// The certificates (PEM) of the signer of the settings, of the folder of earlier signers, and of `more` files.
pub(super) fn known(gateway: &Gateway, more: &[PathBuf]) -> Result<Vec<u8>> {
    let mut files = vec![gateway.receipts.signer.certificate.clone()];
    files.extend(earlier(gateway)?);
    files.extend(more.iter().cloned());
    let mut all = Vec::new();
    for file in files {
        let refused = |error| Fault::new(Code::Usage, format!("{}: {error}", file.display()));
        all.extend(fs::read(&file).map_err(refused)?);
        all.push(b'\n');
    }
    Ok(all)
}

/// The files `*.pem` of the folder, by name.
fn earlier(gateway: &Gateway) -> Result<Vec<PathBuf>> {
    let Some(folder) = &gateway.receipts.earlier else {
        return Ok(Vec::new());
    };
    let refused = |error| Fault::new(Code::Usage, format!("{}: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(refused)?;
    let files = entries.map(|entry| entry.map(|entry| entry.path()));
    let files = files.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let mut files: Vec<_> = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "pem"))
        .collect();
    files.sort();
    Ok(files)
}
