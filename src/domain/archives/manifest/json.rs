//! A manifest in JSON, read object by object: only one piece at a time is ever held as loose values. Its numbers are judged as
//! they pass.

use std::{
    cell::RefCell,
    fmt,
    io::{self, BufRead, Read},
    rc::Rc,
};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{
    Manifest, Piece,
    metered::{Meter, Metered, Unfit},
    read::{Reading, unreadable},
};
use crate::{
    codec::Refusal,
    kernel::{
        json::Level,
        numbers::{ALTERED, Scanner},
    },
};

/// The level of values in a dossier, or above: enough for any, far from the parser's own limit.
const LEVEL: Level = Level(4);

pub(super) fn parse(text: impl BufRead) -> Result<Manifest, Refusal> {
    let meter = Meter::default();
    let numbers = Rc::<RefCell<Scanner>>::default();
    let text = Scanned(Metered::new(text, meter.clone()), Rc::clone(&numbers));
    let mut reader = serde_json::Deserializer::from_reader(text);
    let mut reading = Reading::default();
    let root = Object {
        reading: &mut reading,
        meter: &meter,
        pointer: String::new(),
        is_root: true,
    };
    let read = root.deserialize(&mut reader).and_then(|found| {
        meter.reset();
        rest(&mut reader).map(|()| found)
    });
    let Some(found) = read.map_err(refused)? else {
        return Err(unreadable("Un objet JSON est attendu."));
    };
    for pointer in numbers.borrow_mut().altered() {
        reading.invalid(&pointer, ALTERED);
    }
    reading.root(found.fields, found.pieces, found.has_dossiers)
}

/// A reader that shows a scanner what passes.
struct Scanned<R>(R, Rc<RefCell<Scanner>>);

impl<R: Read> Read for Scanned<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.read(into)?;
        self.1.borrow_mut().read(&into[..bytes]);
        Ok(bytes)
    }
}

/// Nothing but white space may follow.
fn rest<R: Read>(
    reader: &mut serde_json::Deserializer<serde_json::de::IoRead<R>>,
) -> serde_json::Result<()> {
    reader.end()
}

fn refused(error: serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    if error.is_io() {
        let error = std::io::Error::from(error);
        return match Unfit::of(&error) {
            Some(detail) => unreadable(detail),
            None => error.into(),
        };
    }
    // The parser's own words are English and may quote the input: the place is enough.
    unreadable(format!(
        "Ce n'est pas un JSON acceptable (ligne {line}, colonne {column}) : UTF-8, sans clé répétée, 32 niveaux au plus."
    ))
}

/// What stands in an object beside its pieces and dossiers.
struct Found {
    fields: Map<String, Value>,
    pieces: Option<Vec<Piece>>,
    has_dossiers: bool,
}

/// What every seed here answers where a value stands that is neither list nor object: a fault, and on.
macro_rules! scalars_are_wrong {
    () => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(self.wrong())
        }
    };
}

/// The same for an object.
macro_rules! objects_are_wrong {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(self.wrong())
        }
    };
}

/// The root, or a dossier.
struct Object<'r> {
    reading: &'r mut Reading,
    meter: &'r Meter,
    pointer: String,
    is_root: bool,
}

impl Object<'_> {
    fn wrong(self) -> Option<Found> {
        self.reading.invalid(&self.pointer, "Un objet est attendu.");
        None
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Option<Found>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Option<Found>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("un objet")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = Found {
            fields: Map::new(),
            pieces: None,
            has_dossiers: false,
        };
        while let Some(key) = members.next_key::<String>()? {
            let again = match &*key {
                "pieces" => found.pieces.is_some(),
                "dossiers" if self.is_root => found.has_dossiers,
                _ => found.fields.contains_key(&key),
            };
            if again {
                return Err(A::Error::custom("clé répétée"));
            }
            match &*key {
                "pieces" => {
                    let pieces = Pieces {
                        reading: self.reading,
                        meter: self.meter,
                        pointer: format!("{}/pieces", self.pointer),
                    };
                    found.pieces = Some(members.next_value_seed(pieces)?);
                }
                "dossiers" if self.is_root => {
                    let dossiers = Dossiers {
                        reading: self.reading,
                        meter: self.meter,
                    };
                    members.next_value_seed(dossiers)?;
                    found.has_dossiers = true;
                }
                _ => {
                    let value = members.next_value_seed(LEVEL)?;
                    found.fields.insert(key, value);
                }
            }
        }
        Ok(Some(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.wrong())
    }

    scalars_are_wrong!();
}

struct Pieces<'r> {
    reading: &'r mut Reading,
    meter: &'r Meter,
    pointer: String,
}

impl Pieces<'_> {
    fn wrong(self) -> Vec<Piece> {
        self.reading
            .invalid(&self.pointer, "Une liste est attendue.");
        Vec::new()
    }
}

impl<'de> DeserializeSeed<'de> for Pieces<'_> {
    type Value = Vec<Piece>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pieces<'_> {
    type Value = Vec<Piece>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("une liste")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut pieces = Vec::new();
        while let Some(value) = items.next_element_seed(LEVEL)? {
            self.meter.reset();
            let pointer = format!("{}/{}", self.pointer, pieces.len());
            pieces.push(self.reading.piece(&pointer, value));
        }
        pieces.shrink_to_fit();
        Ok(pieces)
    }

    scalars_are_wrong!();
    objects_are_wrong!();
}

struct Dossiers<'r> {
    reading: &'r mut Reading,
    meter: &'r Meter,
}

impl Dossiers<'_> {
    fn wrong(self) {
        self.reading.invalid("/dossiers", "Une liste est attendue.");
    }
}

impl<'de> DeserializeSeed<'de> for Dossiers<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Dossiers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("une liste")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut place = 0;
        loop {
            let pointer = format!("/dossiers/{place}");
            let object = Object {
                reading: self.reading,
                meter: self.meter,
                pointer: pointer.clone(),
                is_root: false,
            };
            let Some(found) = items.next_element_seed(object)? else {
                return Ok(());
            };
            self.meter.reset();
            if let Some(found) = found {
                self.reading.dossier(&pointer, found.fields, found.pieces);
            }
            place += 1;
        }
    }

    scalars_are_wrong!();
    objects_are_wrong!();
}
