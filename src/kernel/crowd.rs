//! How many of a kind are at it at this moment in this process, for those who should then give way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A count of those present. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Crowd(Arc<AtomicUsize>);

/// One of those present, until it is dropped.
#[derive(Debug)]
pub struct Present(Crowd);

impl Crowd {
    /// Counts one more.
    pub fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.clone())
    }

    /// How many are present; a moment later it may be others.
    pub fn size(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_left_are_not_counted() {
        let crowd = Crowd::default();
        let (one, other) = (crowd.enter(), crowd.clone().enter());
        assert_eq!(crowd.size(), 2);
        drop(one);
        assert_eq!(crowd.size(), 1);
        drop(other);
        assert_eq!(crowd.size(), 0);
    }
}
