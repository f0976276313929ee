//! Strict JSON for what decides: one object, no key twice at any level, 32 levels at most, UTF-8, nothing after it, no number that
//! would come back altered.
//!
//! A lenient reader keeps the last of two equal keys; another keeps the first. What two readers may understand
//! differently is refused (code `metadata-not-json`).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{
    fault::{Code, Fault, FieldFault, Result},
    numbers::{ALTERED, Scanner},
};

/// The most levels of objects and arrays, the outermost included.
pub const MAX_DEPTH: usize = 32;

/// Reads one object. What is told of its numbers is told at `place`, where the object itself stands.
pub fn parse_object(place: &str, bytes: &[u8]) -> Result<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Level(0).deserialize(&mut reader).map_err(refused)?;
    reader.end().map_err(refused)?;
    let Value::Object(object) = value else {
        return Err(not_json("un objet JSON est attendu"));
    };
    check_numbers(place, bytes).map(|()| object)
}

fn check_numbers(place: &str, bytes: &[u8]) -> Result<()> {
    let altered = Scanner::altered_in(bytes).into_iter();
    let fault =
        |pointer| FieldFault::new(format!("{place}{pointer}"), Code::MetadataNotJson, ALTERED);
    let faults: Vec<_> = altered.map(fault).collect();
    match faults.first() {
        None => Ok(()),
        Some(first) => {
            let detail = format!("{} : {ALTERED}", first.pointer);
            Err(Fault::new(Code::MetadataNotJson, detail).with_errors(faults))
        }
    }
}

/// The level at which a value stands: the parser recurses no deeper than [`MAX_DEPTH`]. It is the seed by which those who
/// read a long document object by object read each of its values, as strictly as [`parse_object`], but for
/// its numbers, of which it does not see how they are written ([`super::numbers`]).
#[derive(Clone, Copy)]
pub struct Level(pub usize);

impl Level {
    fn inner<E: Error>(self) -> Result<Self, E> {
        match self.0 < MAX_DEPTH {
            true => Ok(Self(self.0 + 1)),
            false => Err(E::custom(format!("plus de {MAX_DEPTH} niveaux"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("une valeur JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("nombre hors limites"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let level = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom("clé répétée"));
            }
            let value = members.next_value_seed(level)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

fn refused(error: serde_json::Error) -> Fault {
    // The parser's own words are English and may quote the input: the place is enough.
    let place = format!("ligne {}, colonne {}", error.line(), error.column());
    not_json(&place).because(error)
}

fn not_json(what: &str) -> Fault {
    let detail = format!(
        "Les métadonnées ne sont pas un objet JSON acceptable ({what}) : UTF-8, sans clé répétée, {MAX_DEPTH} niveaux au plus."
    );
    Fault::new(Code::MetadataNotJson, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        // The object itself is the first level.
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    }

    #[test]
    fn an_object_comes_back_as_it_was_written() {
        let text = r#"{"a":[1,-2,0.5,true,null,"é"],"b":{"c":{}}}"#;
        let object = parse_object("", text.as_bytes()).unwrap();
        assert_eq!(
            Value::Object(object),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn a_key_given_twice_is_refused_at_any_level_also_when_it_is_spelt_with_escapes() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(parse_object("", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_that_would_come_back_altered_is_refused_at_its_place() {
        let text = r#"{"a":[0.5,{"b":12345678901234567890123}],"c":0.12345678901234567890}"#;
        let fault = parse_object("/metadata", text.as_bytes()).unwrap_err();
        assert_eq!(fault.code(), Code::MetadataNotJson);
        let pointers: Vec<_> = fault.errors().iter().map(|fault| &*fault.pointer).collect();
        assert_eq!(pointers, ["/metadata/a/1/b", "/metadata/c"]);
    }

    /// Each is the double next to what is written: a reader that is off by one place alters it.
    #[test]
    fn a_number_that_a_double_holds_comes_back_with_all_its_digits() {
        for number in [
            "31.245270191439438",
            "0.12345678901234566",
            "1.2345678901234568e22",
        ] {
            let text = format!(r#"{{"a":{number}}}"#);
            let object = parse_object("", text.as_bytes()).unwrap();
            let read: f64 = number.parse().unwrap();
            assert_eq!(object["a"].as_f64(), Some(read), "{number}");
        }
    }

    #[test]
    fn thirty_two_levels_pass_and_neither_33_nor_a_million_do() {
        assert!(parse_object("", nested(32).as_bytes()).is_ok());
        for levels in [33, 10_000, 1_000_000] {
            assert!(parse_object("", nested(levels).as_bytes()).is_err());
        }
        assert!(parse_object("", "{\"a\":".repeat(10_000).as_bytes()).is_err());
    }

    #[test]
    fn what_is_not_one_whole_object_of_utf8_is_refused() {
        let cases: [&[u8]; 10] = [
            b"",
            b"null",
            b"[]",
            b"{",
            b"{} {}",
            b"{}x",
            b"{\"a\":1,}",
            b"{\"a\":\"\xff\"}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1e999}",
        ];
        for text in cases {
            let fault = parse_object("", text).unwrap_err();
            assert_eq!(fault.code(), Code::MetadataNotJson);
        }
    }
}
