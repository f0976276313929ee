//! What was found genuine before: a partner sends thousands of pieces under one token, and its signature costs as much to
//! check as the rest of the head of a request.
//!
//! Only what cannot change is kept: that we signed these bytes, and what they say. Time, certificate, revocation and scopes
//! are judged at each call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::kernel::digest::Sha256;

/// How many are kept, of about 1 KB each: more than there are partners. Beyond, all are forgotten and checked again.
const MOST: usize = 1024;

/// Things found genuine, by the digest of their bytes.
pub struct Seen<T>(Mutex<HashMap<Sha256, Arc<T>>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Seen<T> {
    /// What was kept under that digest.
    pub fn get(&self, digest: &Sha256) -> Option<Arc<T>> {
        self.all().get(digest).cloned()
    }

    /// Keeps it.
    pub fn keep(&self, digest: Sha256, thing: Arc<T>) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(digest, thing);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Sha256, Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_known_by_its_digest_alone_and_never_more_of_it_than_the_bound() {
        let seen = Seen::default();
        for number in 0..3_000_u32 {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            seen.keep(digest, Arc::new(number));
            assert_eq!(seen.get(&digest).as_deref(), Some(&number));
            assert!(seen.all().len() <= MOST);
        }
        assert_eq!(seen.get(&[9; 32]), None);
    }
}
