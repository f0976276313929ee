//! The key of a SIRET.

/// The SIREN of La Poste, whose establishments have a key of their own.
const LA_POSTE: &str = "356000000";

/// Whether `text` is a SIRET: fourteen digits whose key is right (Luhn; for the establishments of La Poste, a sum of
/// digits that five divides).
pub fn is_siret(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 14) else {
        return false;
    };
    let weighed = |(place, digit): (usize, &u32)| match place % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => *digit,
    };
    let luhn: u32 = digits.iter().enumerate().map(weighed).sum();
    let own = text.starts_with(LA_POSTE) && digits.iter().sum::<u32>().is_multiple_of(5);
    luhn.is_multiple_of(10) || own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_siret_has_fourteen_digits_and_the_right_key() {
        for good in [
            "73282932000074",
            "35600000000048",
            "35600000049837",
            "00000000000000",
        ] {
            assert!(is_siret(good), "{good}");
        }
        for bad in [
            "73282932000075",
            "7328293200007",
            "732829320000740",
            "7328293200007x",
            "",
            "35600000049838",
        ] {
            assert!(!is_siret(bad), "{bad}");
        }
    }
}
