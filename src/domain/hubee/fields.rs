//! A JSON body read field by field, every fault of it told at once (R6, R7).
//!
//! A [`Document`] holds the body and the faults; [`Fields`] is one of its objects. A getter answers what is there, keeps the
//! fault where it is not as it should be, and stands in with nothing: go on reading, then [`Document::done`] passes or
//! refuses with all of them. Fields that nobody asks for are ignored, `null` is like absence. A fault reads
//! `#/cases/0/externalId: String is too long (40 characters, at most 30)`.
//!
//! ```ignore
//! let document = Document::new(body, faults);
//! let fields = document.object();
//! let read = Patch { status: fields.required_text("globalStatus", 50), closed: fields.instant("closeDateTime") };
//! document.done()?;
//! ```

use std::{cell::RefCell, fmt::Display, ops::RangeInclusive};

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Faults, OrganizationId, Refusal, Result, forms, organization_id};

/// The most characters of an e-mail address.
pub const EMAIL: usize = 320;

/// The most items of an array, where nothing else is said: a folder's cases and files, the recipients of a file, the formats of
/// a process. The contracts set none; a folder of so many files is five times what this house sends on as one.
pub const ITEMS: usize = 5_000;

/// A body, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Document {
    value: Value,
    faults: RefCell<Faults>,
}

impl Document {
    /// A body that is JSON; `faults` are those of the request's head, told with its own.
    pub fn new(value: Value, faults: Vec<String>) -> Self {
        Self {
            value,
            faults: RefCell::new(faults.into()),
        }
    }

    /// The body as it came: for who must look something up before it is judged.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The body as an object.
    pub fn object(&self) -> Fields<'_> {
        Fields::of(&self.value, "#".to_owned(), &self.faults)
    }

    /// The body as an array of `most` objects at most.
    pub fn objects(&self, most: usize) -> Vec<Fields<'_>> {
        items(&self.value, "#", most, &self.faults)
    }

    /// Adds a fault of the body as a whole, or of something that no field holds.
    pub fn fault(&self, text: impl Display) {
        self.faults.borrow_mut().push(text);
    }

    /// Whether a fault was found so far.
    pub fn is_faulty(&self) -> bool {
        !self.faults.borrow().is_empty()
    }

    /// The faults found so far, for who has more of them to add.
    pub fn faults(self) -> Faults {
        self.faults.into_inner()
    }

    /// Fails with [`Refusal::Bad`], all faults told, where there is one.
    pub fn done(self) -> Result<()> {
        Refusal::unless_none(self.faults())
    }
}

/// One object of a body. Where it is missing, its fields stand in without further faults.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    at: String,
    faults: &'a RefCell<Faults>,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Value, at: String, faults: &'a RefCell<Faults>) -> Self {
        let map = value.as_object();
        let fields = Self { map, at, faults };
        if map.is_none() {
            fields.push(&fields.at, "expected an object");
        }
        fields
    }

    fn push(&self, at: impl Display, what: &str) {
        let text = format_args!("{at}: {what}");
        self.faults.borrow_mut().push(text);
    }

    /// Where it stands in the body, such as `#/cases/0`.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Adds a fault of the field `name`.
    pub fn wrong(&self, name: &str, what: &str) {
        self.push(format_args!("{}/{name}", self.at), what);
    }

    /// What is in the field as it came; nothing where it is absent or `null`.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    /// Whether there is something in the field.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Says that a field must be there, where the object itself is.
    fn demand(&self, name: &str) {
        if self.map.is_some() && !self.has(name) {
            self.wrong(name, "required key not found");
        }
    }

    /// Says that a key must be there, though what it holds may be `null`.
    pub fn demand_key(&self, name: &str) {
        if self.map.is_some_and(|map| !map.contains_key(name)) {
            self.wrong(name, "required key not found");
        }
    }

    fn typed<T>(&self, name: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value(name)?;
        let typed = read(value);
        if typed.is_none() {
            self.wrong(name, what);
        }
        typed
    }

    /// A text of at most `most` characters.
    pub fn text(&self, name: &str, most: usize) -> Option<String> {
        let text = self.typed(name, "expected a String", Value::as_str)?;
        match forms::misfit(text, most) {
            None => Some(text.to_owned()),
            Some(what) => {
                self.wrong(name, &what);
                None
            }
        }
    }

    /// The same, which must be there and not empty.
    pub fn required_text(&self, name: &str, most: usize) -> String {
        self.demand(name);
        let text = self.text(name, most);
        if text.as_deref() == Some("") {
            self.wrong(name, "String is empty");
        }
        text.unwrap_or_default()
    }

    /// A text that must be there and may be empty, where the contract lets it: names are, where nobody knows them.
    pub fn present_text(&self, name: &str, most: usize) -> String {
        self.demand(name);
        self.text(name, most).unwrap_or_default()
    }

    /// One of a few texts.
    pub fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Option<&'c str> {
        let what = format!("expected one of {}", choices.join(", "));
        self.typed(name, &what, |value| {
            let text = value.as_str()?;
            choices.iter().find(|choice| **choice == text).copied()
        })
    }

    /// The same, which must be there; the first of them stands in.
    pub fn required_choice<'c>(&self, name: &str, choices: &[&'c str]) -> &'c str {
        self.demand(name);
        let first = choices.first().copied().unwrap_or_default();
        self.choice(name, choices).unwrap_or(first)
    }

    /// A truth value.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.typed(name, "expected a Boolean", Value::as_bool)
    }

    /// The same, which must be there.
    pub fn required_flag(&self, name: &str) -> bool {
        self.demand(name);
        self.flag(name).unwrap_or_default()
    }

    /// A whole number of a range.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!(
            "expected an Integer from {} to {}",
            range.start(),
            range.end()
        );
        self.typed(name, &what, |value| {
            forms::integer(value).filter(|number| range.contains(number))
        })
    }

    /// The same, which must be there; the range's least stands in.
    pub fn required_integer(&self, name: &str, range: RangeInclusive<i64>) -> i64 {
        self.demand(name);
        let least = *range.start();
        self.integer(name, range).unwrap_or(least)
    }

    /// A date with an offset (RFC 3339), to the microsecond.
    pub fn instant(&self, name: &str) -> Option<Timestamp> {
        let what = "expected a date-time with its offset (RFC 3339)";
        self.typed(name, what, |value| forms::instant(value.as_str()?))
    }

    /// An id.
    pub fn uuid(&self, name: &str) -> Option<Uuid> {
        self.typed(name, "String is not a valid UUID", |value| {
            forms::uuid(value.as_str()?)
        })
    }

    /// The same, which must be there.
    pub fn required_uuid(&self, name: &str) -> Uuid {
        self.demand(name);
        self.uuid(name).unwrap_or_default()
    }

    /// An e-mail address.
    pub fn email(&self, name: &str) -> Option<String> {
        let text = self.text(name, EMAIL)?;
        if forms::is_email(&text) {
            return Some(text);
        }
        self.wrong(name, "String is not a valid email value");
        None
    }

    /// The same, which must be there.
    pub fn required_email(&self, name: &str) -> String {
        self.demand(name);
        self.email(name).unwrap_or_default()
    }

    /// An object.
    pub fn object(&self, name: &str) -> Option<Fields<'a>> {
        let value = self.value(name)?;
        Some(Fields::of(
            value,
            format!("{}/{name}", self.at),
            self.faults,
        ))
    }

    /// The same, which must be there; one without fields stands in.
    pub fn required_object(&self, name: &str) -> Fields<'a> {
        self.demand(name);
        self.object(name).unwrap_or_else(|| Fields {
            map: None,
            at: format!("{}/{name}", self.at),
            faults: self.faults,
        })
    }

    /// The objects of an array, in its order; none, and a fault, where there are more than `most`.
    pub fn objects(&self, name: &str, most: usize) -> Option<Vec<Fields<'a>>> {
        let (value, at) = (self.value(name)?, format!("{}/{name}", self.at));
        Some(items(value, &at, most, self.faults))
    }

    /// The same, which must be there and hold one at least, [`ITEMS`] at most.
    pub fn required_objects(&self, name: &str) -> Vec<Fields<'a>> {
        self.demand(name);
        self.not_empty(name);
        self.objects(name, ITEMS).unwrap_or_default()
    }

    /// The texts of an array, [`ITEMS`] of them at most, each of `most` characters at most.
    pub fn texts(&self, name: &str, most: usize) -> Option<Vec<String>> {
        let list = self.typed(name, "expected an Array", Value::as_array)?;
        if list.len() > ITEMS {
            self.wrong(name, &too_many(list.len(), ITEMS));
            return None;
        }
        let texts = list.iter().enumerate().map(|(number, value)| {
            let text = value.as_str().unwrap_or_default();
            let misfit = match value.is_string() {
                true => forms::misfit(text, most),
                false => Some("expected a String".to_owned()),
            };
            if let Some(what) = misfit {
                self.wrong(&format!("{name}/{number}"), &what);
            }
            text.to_owned()
        });
        Some(texts.collect())
    }

    /// The same, which must be there; it may be empty.
    pub fn required_texts(&self, name: &str, most: usize) -> Vec<String> {
        self.demand(name);
        self.texts(name, most).unwrap_or_default()
    }

    /// Says that an array must not be empty.
    pub fn not_empty(&self, name: &str) {
        let list = self.value(name).and_then(Value::as_array);
        if list.is_some_and(Vec::is_empty) {
            self.wrong(name, "expected at least one item");
        }
    }

    /// An organisation by its three fields.
    pub fn organization(&self, name: &str) -> Option<OrganizationId> {
        self.object(name)?.identifier()
    }

    /// The same, which must be there. Nothing where it is not: its fault is kept.
    pub fn required_organization(&self, name: &str) -> Option<OrganizationId> {
        self.required_object(name).identifier()
    }

    /// The organisation that this object's own `type`, `companyRegister` and `branchCode` name.
    pub fn identifier(&self) -> Option<OrganizationId> {
        let kind = self.part(
            "type",
            organization_id::is_type,
            "1 to 20 letters or digits",
        );
        let register = self.part("companyRegister", organization_id::is_register, "14 digits");
        let branch = self.part(
            "branchCode",
            organization_id::is_branch,
            "1 to 10 letters, digits, '-' or '_'",
        );
        OrganizationId::new(&kind?, &register?, &branch?).ok()
    }

    fn part(&self, name: &str, is_one: fn(&str) -> bool, what: &str) -> Option<String> {
        self.demand(name);
        let what = format!("expected {what}");
        self.typed(name, &what, |value| {
            value
                .as_str()
                .filter(|text| is_one(text))
                .map(str::to_owned)
        })
    }
}

/// What is said of an array of `length` items, of which `most` are taken.
fn too_many(length: usize, most: usize) -> String {
    format!("expected at most {most} items, found {length}")
}

fn items<'a>(
    value: &'a Value,
    at: &str,
    most: usize,
    faults: &'a RefCell<Faults>,
) -> Vec<Fields<'a>> {
    let refuse = |what: &str| {
        let text = format_args!("{at}: {what}");
        faults.borrow_mut().push(text);
        Vec::new()
    };
    let Some(list) = value.as_array() else {
        return refuse("expected an Array");
    };
    if list.len() > most {
        return refuse(&too_many(list.len(), most));
    }
    let items = list.iter().enumerate();
    items
        .map(|(number, item)| Fields::of(item, format!("{at}/{number}"), faults))
        .collect()
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
