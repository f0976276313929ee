//! Numbers of a JSON text that would not come back as they were written (RFC 7493, 2.2).
//!
//! Readers keep a whole number in 64 bits and any other in a double. What neither holds is altered without a word: by us, and
//! by whoever reads what we write. [`Scanner`] walks a text beside its parser and says where such numbers stand.

use super::fault::step;

/// What is said of such a number.
pub const ALTERED: &str = "Ce nombre serait altéré : un entier de 64 bits, ou un nombre qu'un double garde, est attendu (RFC 7493) ; sinon, un texte.";

/// The most numbers that are told.
const MOST: usize = 100;

/// Walks a JSON text, byte after byte. Of a text that is no JSON it says nothing of worth: that is for its parser to tell.
#[derive(Default)]
pub struct Scanner {
    place: Place,
    path: Vec<Step>,
    number: String,
    altered: Vec<String>,
}

/// Where in the text the next byte stands.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Between,
    Text {
        escaped: bool,
    },
    Number,
}

/// One level of the value that is being read.
enum Step {
    /// The item of a list.
    Item(usize),
    /// The member of an object; its key is as written, and complete once the value is `next`.
    Member { key: Vec<u8>, next: bool },
}

impl Scanner {
    /// The pointers of the numbers of a whole text that would be altered.
    pub fn altered_in(text: &[u8]) -> Vec<String> {
        let mut scanner = Self::default();
        scanner.read(text);
        scanner.altered()
    }

    /// Takes the bytes that follow.
    pub fn read(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// The pointers of the numbers so far that would be altered; they are told once.
    pub fn altered(&mut self) -> Vec<String> {
        std::mem::take(&mut self.altered)
    }

    fn byte(&mut self, byte: u8) {
        match self.place {
            Place::Between => self.between(byte),
            Place::Text { escaped } => self.text(byte, escaped),
            Place::Number if b"+-.eE".contains(&byte) || byte.is_ascii_digit() => {
                self.number.push(char::from(byte));
            }
            Place::Number => {
                self.judge();
                self.place = Place::Between;
                self.between(byte);
            }
        }
    }

    fn between(&mut self, byte: u8) {
        match (byte, self.path.last_mut()) {
            (b'"', level) => {
                if let Some(Step::Member { key, next: false }) = level {
                    key.clear();
                }
                self.place = Place::Text { escaped: false };
            }
            (b'{', _) => self.path.push(Step::Member {
                key: Vec::new(),
                next: false,
            }),
            (b'[', _) => self.path.push(Step::Item(0)),
            (b'}' | b']', _) => drop(self.path.pop()),
            (b',', Some(Step::Item(at))) => *at += 1,
            (b',' | b':', Some(Step::Member { next, .. })) => *next = byte == b':',
            (b'-' | b'0'..=b'9', _) => {
                self.number.clear();
                self.number.push(char::from(byte));
                self.place = Place::Number;
            }
            _ => {}
        }
    }

    fn text(&mut self, byte: u8, escaped: bool) {
        if byte == b'"' && !escaped {
            self.place = Place::Between;
            return;
        }
        if let Some(Step::Member { key, next: false }) = self.path.last_mut() {
            key.push(byte);
        }
        let escaped = byte == b'\\' && !escaped;
        self.place = Place::Text { escaped };
    }

    fn judge(&mut self) {
        if !keeps(&self.number) && self.altered.len() < MOST {
            let pointer = self.path.iter().map(Step::shown).collect();
            self.altered.push(pointer);
        }
    }
}

impl Step {
    fn shown(&self) -> String {
        match self {
            Self::Item(at) => format!("/{at}"),
            Self::Member { key, .. } => {
                let quoted = [b"\"", &key[..], b"\""].concat();
                let name: String = serde_json::from_slice(&quoted).unwrap_or_default();
                format!("/{}", step(&name))
            }
        }
    }
}

/// Whether readers give back the value of this number: whole ones in 64 bits, others by the shortest text of their double.
fn keeps(number: &str) -> bool {
    if !number.contains(['.', 'e', 'E']) {
        return number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    }
    // What is no number at all is the parser's to tell.
    number.parse::<f64>().map_or(true, |read| {
        Decimal::of(number) == Decimal::of(&format!("{read:e}"))
    })
}

/// The value of a written number: its digits without the zeros around them, and the power of ten of the last one.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    fn of(number: &str) -> Self {
        let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{}{fraction}", whole.trim_start_matches('-'));
        let some = all.trim_end_matches('0');
        let dropped = all.len() - some.len();
        let digits = some.trim_start_matches('0').to_owned();
        let is_zero = digits.is_empty();
        let shift = dropped as i64 - fraction.len() as i64;
        Self {
            negative: !is_zero && whole.starts_with('-'),
            power: if is_zero {
                0
            } else {
                power_of(power).saturating_add(shift)
            },
            digits,
        }
    }
}

/// A power of ten; one that fits nowhere is as far as can be.
fn power_of(text: &str) -> i64 {
    let far = match text.starts_with('-') {
        true => i64::MIN,
        false => i64::MAX,
    };
    text.parse().unwrap_or(far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_64_bits_or_a_double_hold_is_kept_however_it_is_written() {
        for number in [
            "0",
            "-0",
            "-0.0",
            "9007199254740993",
            "-9223372036854775808",
            "18446744073709551615",
            "1.10",
            "1e2",
            "1E+2",
            "100.000",
            "0.1",
            "1e22",
            "12.5e-1",
            "1.2345678901234568e22",
            "1.7976931348623157e308",
            "5e-324",
            "0.000e999999999999999999999",
            "0.30000000000000004",
        ] {
            assert!(keeps(number), "{number}");
        }
    }

    #[test]
    fn what_neither_holds_is_not() {
        for number in [
            "18446744073709551616",
            "-9223372036854775809",
            "12345678901234567890123",
            "1.2345678901234567e22",
            "100000000000000000000",
            "0.12345678901234567890",
            "9007199254740993.0",
            "1.00000000000000000001",
            "1e-400",
            "1e400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
        ] {
            assert!(!keeps(number), "{number}");
        }
    }

    #[test]
    fn each_is_told_at_its_place_and_what_a_text_holds_is_no_number() {
        let text = r#"{"a":"1e999","b\"/~é":[1,{"c":0.12345678901234567890,"d":[2,3.5]},
            12345678901234567890123 ],"[,":{"x":{}},"e":-1e400}"#;
        let found = Scanner::altered_in(text.as_bytes());
        assert_eq!(found, ["/b\"~1~0é/1/c", "/b\"~1~0é/2", "/e"]);
        assert_eq!(Scanner::altered_in(b"{}"), [""; 0]);
    }
}
