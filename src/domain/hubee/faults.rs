//! What is wrong with a request, all told together (R7), up to a measure: a few megabytes of JSON can hold millions of faults,
//! and nobody reads so many.

use std::fmt::Display;

/// The most faults that one answer tells; the others are counted in a last one.
pub const TOLD: usize = 1_000;

/// Faults as they are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    told: Vec<String>,
    more: usize,
}

impl Faults {
    /// Adds one; beyond [`TOLD`] it is not even written out.
    pub fn push(&mut self, text: impl Display) {
        match self.told.len() < TOLD {
            true => self.told.push(text.to_string()),
            false => self.more += 1,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The first `most` of them, in the order in which they were found, and how many more there are.
    pub fn told(self, most: usize) -> Vec<String> {
        let Self { mut told, mut more } = self;
        more += told.len().saturating_sub(most);
        told.truncate(most);
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        told
    }
}

impl Extend<String> for Faults {
    fn extend<T: IntoIterator<Item = String>>(&mut self, faults: T) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }
}

impl From<Vec<String>> for Faults {
    fn from(all: Vec<String>) -> Self {
        let mut faults = Self::default();
        faults.extend(all);
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R7: all are told as long as anybody might read them; then they are counted.
    #[test]
    fn a_thousand_faults_are_told_and_the_others_counted() {
        let some = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(Faults::from(some.clone()).told(TOLD), some);
        assert_eq!(Faults::from(some).told(1), ["a", "and 1 more"]);
        let mut many = Faults::default();
        many.extend((0..TOLD + 5).map(|number| number.to_string()));
        let told = many.told(TOLD);
        assert_eq!(told.len(), TOLD + 1);
        assert_eq!(told.last().map(String::as_str), Some("and 5 more"));
    }
}
