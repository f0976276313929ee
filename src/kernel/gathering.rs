//! Faults of the settings, gathered where each is found and told together.

use super::fault::{Code, Fault, FieldFault, Result};

/// The faults of what is looked at, each at its place. Of several at one place the first is kept: the others follow from it.
#[derive(Debug, Default)]
pub struct Gathering(Vec<FieldFault>);

impl Gathering {
    /// Goes on with faults that were found before.
    pub fn after(found: Vec<FieldFault>) -> Self {
        Self(found)
    }

    /// Keeps the fault of `outcome` at `place`; those that stand behind it, each at its own place below that one.
    pub fn keep<T>(&mut self, place: &str, outcome: Result<T>) -> Option<T> {
        self.keep_as(outcome, |below| format!("{place}{below}"))
    }

    /// The same where the places of faults behind the fault are called otherwise here.
    pub fn keep_as<T>(&mut self, outcome: Result<T>, place: impl Fn(&str) -> String) -> Option<T> {
        let fault = match outcome {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        match fault.errors() {
            [] => self.add(place(""), fault.explained()),
            behind => behind
                .iter()
                .for_each(|one| self.add(place(&one.pointer), one.detail.clone())),
        }
        None
    }

    fn add(&mut self, place: String, detail: String) {
        if self.0.iter().all(|known| known.pointer != place) {
            self.0
                .push(FieldFault::new(place, Code::Configuration, detail));
        }
    }

    /// What was made, where nothing is wrong. Fails with `configuration` and every fault.
    pub fn finish<T>(self, summary: &str, made: Option<T>) -> Result<T> {
        match (Fault::gathered(Code::Configuration, summary, self.0), made) {
            (Some(fault), _) => Err(fault),
            (None, Some(made)) => Ok(made),
            (None, None) => Err(Fault::internal("nothing was made, and nothing is wrong")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(detail: &str) -> Fault {
        Fault::new(Code::HostKeyRefused, detail)
    }

    #[test]
    fn faults_stand_at_their_places_once_and_tell_their_causes() {
        let mut inner = Gathering::default();
        inner.keep("ca", Err::<(), _>(fault("no list").because("PEM")));
        inner.keep("key", Err::<(), _>(fault("no key")));
        inner.keep("key", Err::<(), _>(fault("not its key")));
        let mut outer = Gathering::default();
        outer.keep("file:tls.", inner.finish("…", Some(())));
        assert_eq!(outer.keep("file:other", Ok(1)), Some(1));
        let told = outer.finish("…", Some(())).unwrap_err();
        assert_eq!(told.code(), Code::Configuration);
        let told: Vec<_> = told
            .errors()
            .iter()
            .map(|one| (one.pointer.as_str(), one.detail.as_str()))
            .collect();
        assert_eq!(
            told,
            [("file:tls.ca", "no list (PEM)"), ("file:tls.key", "no key")]
        );
    }

    #[test]
    fn what_was_made_without_a_fault_is_handed_out() {
        assert_eq!(Gathering::default().finish("…", Some(7)).ok(), Some(7));
    }
}
