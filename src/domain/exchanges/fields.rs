//! Reads the fields of a JSON object one by one and gathers every fault, so that a sender learns of all at once (API-4).

use serde_json::{Map, Value};

use crate::kernel::fault::{Code, FieldFault, step};

/// An object being read. Getters answer `None` or a stand-in where a field is missing or wrong; the fault is kept.
pub struct Fields {
    prefix: String,
    object: Map<String, Value>,
    faults: Vec<FieldFault>,
}

/// What a text may be.
#[derive(Clone, Copy)]
pub struct Text {
    /// The most characters.
    pub most: usize,
    /// Which characters, and how they are told to the sender.
    pub allowed: (fn(char) -> bool, &'static str),
}

/// Any printable text.
pub const PRINTABLE: (fn(char) -> bool, &str) =
    (is_printable, "sans caractère de contrôle ni de direction");

fn is_printable(c: char) -> bool {
    !c.is_control() && !is_direction(c)
}

/// Whether `c` reorders the text around it (bidirectional controls), so that a reader sees another name than the bytes say.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl Fields {
    /// Reads `object`, found at the JSON pointer `prefix`.
    pub fn new(prefix: &str, object: Map<String, Value>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            object,
            faults: Vec::new(),
        }
    }

    /// A fault at `field`.
    pub fn wrong(&mut self, field: &str, code: Code, detail: impl Into<String>) {
        self.faults.push(FieldFault::new(
            format!("{}/{field}", self.prefix),
            code,
            detail,
        ));
    }

    /// Whether `field` is there and was not asked for yet.
    pub fn has(&self, field: &str) -> bool {
        self.object.contains_key(field)
    }

    /// The value of `field`. A null is a value, and of no type that a field has.
    pub fn take(&mut self, field: &str) -> Option<Value> {
        self.object.remove(field)
    }

    /// A text that must be there.
    pub fn text(&mut self, field: &str, rule: Text) -> String {
        match self.take(field) {
            Some(value) => self.checked(field, value, rule).unwrap_or_default(),
            None => {
                self.wrong(field, Code::Required, "Champ obligatoire.");
                String::new()
            }
        }
    }

    /// A text that may be there.
    pub fn optional_text(&mut self, field: &str, rule: Text) -> Option<String> {
        let value = self.take(field)?;
        self.checked(field, value, rule)
    }

    fn checked(&mut self, field: &str, value: Value, rule: Text) -> Option<String> {
        let Value::String(text) = value else {
            self.wrong(field, Code::Invalid, "Un texte est attendu.");
            return None;
        };
        let (allowed, described) = rule.allowed;
        if text.is_empty() {
            self.wrong(field, Code::Invalid, "Un texte non vide est attendu.");
        } else if text.chars().count() > rule.most {
            self.wrong(
                field,
                Code::TooLong,
                format!("{} caractères au plus.", rule.most),
            );
        } else if !text.chars().all(allowed) {
            self.wrong(
                field,
                Code::Invalid,
                format!("Un texte {described} est attendu."),
            );
        } else {
            return Some(text);
        }
        None
    }

    /// A whole number from `least` to `most` that must be there.
    pub fn number(&mut self, field: &str, least: u32, most: u32) -> u32 {
        let Some(value) = self.take(field) else {
            self.wrong(field, Code::Required, "Champ obligatoire.");
            return least;
        };
        if !value.is_i64() && !value.is_u64() {
            self.wrong(field, Code::Invalid, "Un nombre entier est attendu.");
            return least;
        }
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => number,
            None => {
                self.wrong(
                    field,
                    Code::OutOfRange,
                    format!("Un nombre de {least} à {most} est attendu."),
                );
                least
            }
        }
    }

    /// An object that may be there; an empty one where it is not.
    pub fn object(&mut self, field: &str) -> Map<String, Value> {
        match self.take(field) {
            None => Map::new(),
            Some(Value::Object(object)) => object,
            Some(_) => {
                self.wrong(field, Code::Invalid, "Un objet est attendu.");
                Map::new()
            }
        }
    }

    /// Reads `object`, the value of `field`; its faults are for [`Fields::absorb`].
    pub fn inside(&self, field: &str, object: Map<String, Value>) -> Self {
        Self::new(&format!("{}/{field}", self.prefix), object)
    }

    /// Adds the faults of an object inside this one.
    pub fn absorb(&mut self, faults: Vec<FieldFault>) {
        self.faults.extend(faults);
    }

    /// Every fault found; what nobody asked for is one too.
    pub fn finish(mut self) -> Vec<FieldFault> {
        let left: Vec<String> = self.object.keys().cloned().collect();
        for field in left {
            let name: String = field.chars().filter(|c| is_printable(*c)).collect();
            self.wrong(
                &step(&name),
                Code::UnknownField,
                "Champ inconnu du contrat.",
            );
        }
        self.faults
    }
}
