//! An element of a manifest in XML, and the object that it stands for.

use std::collections::HashMap;

use quick_xml::events::BytesRef;
use serde_json::{Map, Value};

/// An element with all that is in it.
#[derive(Default)]
pub(super) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Self>,
}

impl Element {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

/// The text of a reference: one of the language's five, or a character by its number.
pub(super) fn resolved(name: &BytesRef<'_>) -> Option<String> {
    if name.is_char_ref() {
        return name.resolve_char_ref().ok()?.map(String::from);
    }
    quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned)
}

/// Adds a field of the manifest or of a dossier.
pub(super) fn add(fields: &mut Map<String, Value>, element: Element) {
    let value = match &*element.name {
        "businessData" => data(&element),
        "iteration" => number(element.text.trim()),
        _ => text(&element),
    };
    put(fields, element.name, value);
}

/// A piece.
pub(super) fn piece(element: Element) -> Value {
    composed(element, |child| match &*child.name {
        "file" => Field::Item("files", file(child)),
        "document" => Field::Item("documents", document(child)),
        "businessData" => Field::One(data(&child)),
        _ => Field::One(text(&child)),
    })
}

fn file(element: Element) -> Value {
    composed(element, |child| match &*child.name {
        "size" => Field::One(number(child.text.trim())),
        "hash" => Field::One(hash(&child)),
        _ => Field::One(text(&child)),
    })
}

fn document(element: Element) -> Value {
    composed(element, |child| match &*child.name {
        "pages" => Field::Item("pages", pages(&child)),
        "file" => Field::Item("files", text(&child)),
        "businessData" => Field::One(data(&child)),
        _ => Field::One(text(&child)),
    })
}

/// What a child is to its parent.
enum Field {
    One(Value),
    /// One of a list of that name.
    Item(&'static str, Value),
}

fn composed(element: Element, of: impl Fn(Element) -> Field) -> Value {
    let mut fields = attributes(&element);
    for child in element.children {
        let name = child.name.clone();
        match of(child) {
            Field::One(value) => put(&mut fields, name, value),
            Field::Item(list, value) => {
                let items = fields
                    .entry(list)
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = items {
                    items.push(value);
                }
            }
        }
    }
    Value::Object(fields)
}

/// Attributes are fields too: those that are not foreseen are told as unknown.
fn attributes(element: &Element) -> Map<String, Value> {
    let told = element.attributes.iter();
    told.map(|(name, value)| (name.clone(), Value::from(&**value)))
        .collect()
}

/// Adds a field. One that comes twice is a null, which no field takes, however often it comes: a list would pass for one of the
/// fields that are lists, and a list of lists grows as deep as a sender wants.
fn put(fields: &mut Map<String, Value>, name: String, value: Value) {
    let field = fields.entry(name);
    field
        .and_modify(|twice| *twice = Value::Null)
        .or_insert(value);
}

fn hash(element: &Element) -> Value {
    let mut fields = attributes(element);
    fields.insert("value".to_owned(), element.text.trim().into());
    Value::Object(fields)
}

fn pages(element: &Element) -> Value {
    let numbers = element
        .attributes
        .iter()
        .map(|(name, value)| match &**name {
            "from" | "to" => (name.clone(), number(value)),
            _ => (name.clone(), value.clone().into()),
        });
    Value::Object(numbers.collect())
}

/// A field's text; an object, which no text field takes, where there is more.
fn text(element: &Element) -> Value {
    match element.children.is_empty() && element.attributes.is_empty() {
        true => element.text.trim().into(),
        false => data(element),
    }
}

/// Business data: an element with children or attributes is an object, what repeats is a list, all else is a text.
fn data(element: &Element) -> Value {
    let mut object = attributes(element);
    let mut named: HashMap<&str, Vec<Value>> = HashMap::new();
    for child in &element.children {
        let value = match child.children.is_empty() && child.attributes.is_empty() {
            true => child.text.trim().into(),
            false => data(child),
        };
        named.entry(&child.name).or_default().push(value);
    }
    for (name, mut values) in named {
        let value = match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        object.insert(name.to_owned(), value);
    }
    let text = element.text.trim();
    if !text.is_empty() {
        object.insert("#text".to_owned(), text.into());
    }
    Value::Object(object)
}

/// Numbers of the schema, which in XML are texts.
fn number(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => text.into(),
    }
}
