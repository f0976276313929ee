//! Randomness as a parameter: keys, nonces, secrets and ids come from here and nowhere else.

use uuid::{Builder, Uuid};

use super::{
    clock::Clock,
    fault::{Fault, Result},
};

/// A cheap handle on a source of random bytes.
#[derive(Clone)]
pub struct Entropy(());

impl Entropy {
    /// The system's cryptographic generator, asked each time: the library's own, which it seeds, takes 50 ms of processor to
    /// begin with, three times what a command takes in all.
    pub fn system() -> Self {
        Self(())
    }

    /// Fills `bytes`. Fails (code `internal`) only where the system has no randomness to give.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes)
            .map_err(|error| Fault::internal(format!("the system gave no random bytes: {error}")))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A UUIDv7 (RFC 9562): its first 48 bits are the clock's milliseconds and the next 12 the fraction of one (section 6.2,
    /// method 3), so ids sort by date to the microsecond.
    pub fn uuid(&self, clock: &Clock) -> Result<Uuid> {
        let micros = u64::try_from(clock.now_micros()).unwrap_or(0);
        let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000);
        let mut random = self.bytes::<10>()?;
        // Both bytes are below 256: the fraction has 12 bits, of which the upper four share a byte with the version.
        random[0] = (fraction >> 8) as u8;
        random[1] = fraction as u8;
        Ok(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// A number in `0..bound`, for jitter: its slight bias does not matter there. 0 where `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        let drawn = self.bytes::<8>().map(u64::from_le_bytes).unwrap_or(0);
        drawn.checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_clocks_milliseconds_and_differ() {
        let clock = Clock::frozen(crate::kernel::clock::instant(1_700_000_000_000_000));
        let entropy = Entropy::system();
        let (one, two) = (entropy.uuid(&clock).unwrap(), entropy.uuid(&clock).unwrap());
        assert_ne!(one, two);
        assert_eq!(one.get_version_num(), 7);
        assert_eq!(one.get_timestamp().unwrap().to_unix().0, 1_700_000_000);
        clock.set(crate::kernel::clock::instant(1_700_000_000_000_001));
        assert!(entropy.uuid(&clock).unwrap() > one);
    }
}
