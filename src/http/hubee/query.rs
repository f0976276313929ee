//! Query strings: every name must be one that the operation asks for (R6), and all faults are told at once.
//!
//! An operation's parameters are a type that implements [`FromQuery`]; it stands in the handler's signature as the last
//! argument of [`super::caller::HubCaller`]. What it did not ask for is unknown, and refused:
//!
//! ```ignore
//! struct Page { most: u64, processes: Vec<String> }
//!
//! impl FromQuery for Page {
//!     fn read(query: &mut Params) -> Self {
//!         Self { most: query.number("maxResult", 1).unwrap_or(25), processes: query.list("processCode", 30) }
//!     }
//! }
//! ```

use std::collections::BTreeSet;

use crate::domain::hubee::forms;

/// The parameters of an operation.
pub trait FromQuery: Send + Sized {
    /// Asks for each parameter by its name.
    fn read(query: &mut Params) -> Self;
}

/// No parameter at all.
impl FromQuery for () {
    fn read(_: &mut Params) -> Self {}
}

/// A query string being read. Getters answer nothing where a value is absent or wrong; the fault is kept.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    asked: BTreeSet<&'static str>,
    faults: Vec<String>,
}

impl Params {
    /// A query string as it came.
    pub fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self {
            pairs: pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// The faults, those of unknown names included.
    pub fn faults(mut self) -> Vec<String> {
        let names: BTreeSet<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        let unknown = names.into_iter().filter(|name| !self.asked.contains(name));
        for name in unknown {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.faults
                .push(format!("@query.{shown}: Query parameter is unexpected"));
        }
        self.faults
    }

    /// Adds a fault of a parameter.
    pub fn wrong(&mut self, name: &str, what: &str) {
        self.faults.push(format!("@query.{name}: {what}"));
    }

    fn all(&mut self, name: &'static str) -> Vec<String> {
        self.asked.insert(name);
        let named = self.pairs.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    fn one(&mut self, name: &'static str) -> Option<String> {
        let mut all = self.all(name);
        if all.len() > 1 {
            self.wrong(name, "Query parameter is repeated");
            return None;
        }
        all.pop()
    }

    /// A whole number of `least` at least. One that is too large for us is the largest: no upper bound is promised (R40).
    pub fn number(&mut self, name: &'static str, least: u64) -> Option<u64> {
        /// The most that a database counts to.
        const MOST: u64 = i64::MAX as u64;
        let text = self.one(name)?;
        let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let number = digits.then(|| text.parse().map_or(MOST, |number: u64| number.min(MOST)));
        let number = number.filter(|number| *number >= least);
        if number.is_none() {
            self.wrong(name, &format!("expected an integer of at least {least}"));
        }
        number
    }

    /// A text of `most` characters at most.
    pub fn text(&mut self, name: &'static str, most: usize) -> Option<String> {
        let text = self.one(name)?;
        self.fit(name, &text, most).then_some(text)
    }

    /// A text of a form that `is_one` knows; `what` says which.
    pub fn form(
        &mut self,
        name: &'static str,
        is_one: fn(&str) -> bool,
        what: &str,
    ) -> Option<String> {
        let text = self.one(name)?;
        if is_one(&text) {
            return Some(text);
        }
        self.wrong(name, &format!("expected {what}"));
        None
    }

    /// `true` or `false`, in letters of any size.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let text = self.one(name)?.to_ascii_lowercase();
        match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.wrong(name, "expected true or false");
                None
            }
        }
    }

    /// Texts of `most` characters at most each: the parameter repeated, or commas within it; no text where it is absent or
    /// empty, for clients that fill in a form of their own send it so.
    pub fn list(&mut self, name: &'static str, most: usize) -> Vec<String> {
        let values = self.all(name);
        let texts = values.iter().flat_map(|value| value.split(','));
        let texts: Vec<String> = texts.map(|text| text.trim().to_owned()).collect();
        let fit = |text: &String| !text.is_empty() && self.fit(name, text, most);
        texts.into_iter().filter(fit).collect()
    }

    fn fit(&mut self, name: &str, text: &str, most: usize) -> bool {
        match forms::misfit(text, most) {
            None => true,
            Some(what) => {
                self.wrong(name, &what);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R6, R7: an unknown parameter is a fault, and all faults of a query are told.
    #[test]
    fn every_faulty_parameter_is_told_at_once() {
        let mut query = Params::new(Some(
            "maxResult=-1&offSet=abc&lite=maybe&colour=blue&processCode=A&processCode=B,C&status=x&status=y&status%00=",
        ));
        assert_eq!(query.number("maxResult", 1), None);
        assert_eq!(query.number("offSet", 0), None);
        assert_eq!(query.flag("lite"), None);
        assert_eq!(query.list("processCode", 30), ["A", "B", "C"]);
        assert_eq!(query.text("status", 20), None);
        let faults = query.faults();
        let names: Vec<_> = faults
            .iter()
            .map(|fault| fault.split(':').next().unwrap())
            .collect();
        let expected = ["maxResult", "offSet", "lite", "status", "colour", "status"];
        assert_eq!(
            names,
            expected.map(|name| format!("@query.{name}")),
            "{faults:?}"
        );
    }

    /// R40: there is no upper bound.
    #[test]
    fn a_number_may_be_as_large_as_it_likes() {
        let mut query = Params::new(Some("maxResult=99999999999999999999999999"));
        assert_eq!(query.number("maxResult", 1), Some(i64::MAX as u64));
        assert!(query.faults().is_empty());
    }

    #[test]
    fn an_absent_parameter_is_no_fault() {
        let mut query = Params::new(None);
        assert_eq!(query.number("maxResult", 1), None);
        assert!(query.list("processCode", 30).is_empty());
        assert!(query.faults().is_empty());
    }

    /// R40: an empty filter is none, and an empty place in a list is nothing.
    #[test]
    fn an_empty_list_is_like_an_absent_one() {
        let mut query = Params::new(Some("processCode=&processPriority&type=A,,B,"));
        assert!(query.list("processCode", 30).is_empty());
        assert!(query.list("processPriority", 30).is_empty());
        assert_eq!(query.list("type", 30), ["A", "B"]);
        assert!(query.faults().is_empty());
    }
}
