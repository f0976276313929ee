//! The content of every declared file, read once.

use super::{CheckedFile, Flaw, Manifest, Progress, Rules, matching::Match};
use crate::{
    codec::{Directory, Source},
    kernel::fault::Result,
};

/// Reads every file of `plan`.
pub(super) fn read<S: Source + ?Sized>(
    _source: &S,
    _manifest: &Manifest,
    _directory: &Directory,
    _plan: &[Match],
    _rules: &Rules,
    _progress: &dyn Progress,
    _flaws: &mut Vec<Flaw>,
) -> Result<Vec<CheckedFile>> {
    Ok(Vec::new())
}
