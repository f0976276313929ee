//! `archive_piece.result`: what the processing of a piece found, file by file.

use serde::{Deserialize, Serialize};

use crate::domain::processing::{Control, Finding, Results, Verdict};

/// What was found of a piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worked {
    /// Its files, in the order of the manifest.
    pub files: Vec<WorkedFile>,
}

/// What was found of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkedFile {
    /// What it comes to.
    pub outcome: Verdict,
    /// Every control.
    pub controls: Vec<Control>,
    /// One entry per processor that ran.
    pub results: Vec<Finding>,
}

impl WorkedFile {
    /// What is kept of a file's results: all but what was produced, which are documents of their own.
    pub fn of(results: &Results) -> Self {
        Self {
            outcome: results.verdict,
            controls: results.controls.clone(),
            results: results.results.clone(),
        }
    }
}

impl Worked {
    /// What the piece comes to: unusable where no file of it can be used, processed where all of them were.
    pub fn outcome(&self) -> Verdict {
        together(self.files.iter().map(|file| file.outcome))
    }

    /// The piece's typology, where a processor has told one.
    pub fn typology(&self) -> Option<&str> {
        let mut results = self.files.iter().flat_map(|file| &file.results);
        results.find_map(|finding| finding.data.get("typology")?.as_str())
    }
}

/// What several outcomes come to: all processed, none processable, or a part.
pub fn together(outcomes: impl Iterator<Item = Verdict>) -> Verdict {
    let (mut processed, mut unprocessable, mut count) = (0, 0, 0);
    for outcome in outcomes {
        count += 1;
        processed += u64::from(outcome == Verdict::Processed);
        unprocessable += u64::from(outcome == Verdict::Unprocessable);
    }
    match count {
        _ if processed == count => Verdict::Processed,
        _ if unprocessable == count => Verdict::Unprocessable,
        _ => Verdict::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_is_processed_where_all_its_parts_are_and_unprocessable_where_none_can_be() {
        use Verdict::{Partial, Processed, Unprocessable};
        let of = |outcomes: &[Verdict]| together(outcomes.iter().copied());
        assert_eq!(of(&[Processed, Processed]), Processed);
        assert_eq!(of(&[Unprocessable, Unprocessable]), Unprocessable);
        assert_eq!(of(&[Processed, Unprocessable]), Partial);
        assert_eq!(of(&[Partial]), Partial);
        assert_eq!(of(&[]), Processed);
    }
}
