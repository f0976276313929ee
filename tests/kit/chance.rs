//! A die for tests that want any moment and any size: its seed is printed, and `KIT_SEED` plays a run again.

/// A stream of numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A die of a new seed, or of the one in `KIT_SEED`; says which.
    pub fn new() -> Self {
        let given = std::env::var("KIT_SEED").ok();
        let seed = given.map_or_else(fresh, |text| text.parse().expect("KIT_SEED is a number"));
        println!("KIT_SEED={seed}");
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Another die, whose numbers follow from this one's.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn fresh() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    u64::from(since.subsec_nanos())
}
