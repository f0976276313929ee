//! A manifest in XML, read element by element, and made the same objects as one in JSON.
//!
//! No document type, hence no entity but the five of the language; no processing instruction. UTF-8, or any encoding of the
//! web's that the declaration names. Of namespaces only the local names count.

use std::io::{BufRead, BufReader};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

use super::{
    Manifest, Piece,
    element::{self, Element},
    encoding::Utf8,
    metered::{MOST, Meter, Metered, TOO_LONG, Unfit},
    read::{Reading, unreadable},
};
use crate::codec::Refusal;

/// The most levels of elements.
const LEVELS: usize = 32;

pub(super) fn parse(text: impl BufRead) -> Result<Manifest, Refusal> {
    let meter = Meter::default();
    let text = BufReader::new(Metered::new(Utf8::new(text)?, meter.clone()));
    let mut reader = Reader::from_reader(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    let walk = Walk {
        reader,
        meter,
        buffer: Vec::new(),
        reading: Reading::default(),
    };
    walk.manifest()
}

/// What comes next within an element.
enum Next {
    Child(Element),
    Text(String),
    End,
}

/// The fields that a manifest or a dossier has of its own, beside its dossiers or pieces, and how long they are in all.
#[derive(Default)]
struct Own {
    fields: Map<String, Value>,
    bytes: u64,
}

struct Walk<R> {
    reader: Reader<R>,
    meter: Meter,
    buffer: Vec<u8>,
    reading: Reading,
}

impl<R: BufRead> Walk<R> {
    fn manifest(mut self) -> Result<Manifest, Refusal> {
        match self.next(true)? {
            Next::Child(root) if root.name == "manifest" => {}
            _ => return Err(unreadable("L'élément « manifest » est attendu.")),
        }
        let mut own = Own::default();
        let mut dossiers = 0;
        loop {
            let start = self.reader.buffer_position();
            match self.next(false)? {
                Next::End => break,
                Next::Text(_) => {}
                Next::Child(child) if child.name == "dossier" => {
                    let pointer = format!("/dossiers/{dossiers}");
                    self.dossier(&pointer)?;
                    dossiers += 1;
                }
                Next::Child(child) => self.field(&mut own, child, (start, 1))?,
            }
        }
        loop {
            match self.next(true)? {
                Next::End => break,
                Next::Text(_) => {}
                Next::Child(_) => {
                    return Err(unreadable("Un seul élément « manifest » est attendu."));
                }
            }
        }
        self.reading.root(own.fields, None, true)
    }

    /// A dossier, whose start was read.
    fn dossier(&mut self, pointer: &str) -> Result<(), Refusal> {
        let mut own = Own::default();
        let mut pieces: Vec<Piece> = Vec::new();
        loop {
            self.meter.reset();
            let start = self.reader.buffer_position();
            match self.next(false)? {
                Next::End => break,
                Next::Text(_) => {}
                Next::Child(child) if child.name == "piece" => {
                    let piece = self.whole(child, 2)?;
                    let pointer = format!("{pointer}/pieces/{}", pieces.len());
                    let piece = self.reading.piece(&pointer, element::piece(piece));
                    pieces.push(piece);
                }
                Next::Child(child) => self.field(&mut own, child, (start, 2))?,
            }
        }
        pieces.shrink_to_fit();
        self.reading.dossier(pointer, own.fields, Some(pieces));
        Ok(())
    }

    /// A field that began at byte `start`: the meter begins anew with each piece, and these are counted beside it.
    fn field(
        &mut self,
        own: &mut Own,
        child: Element,
        (start, level): (u64, usize),
    ) -> Result<(), Refusal> {
        let child = self.whole(child, level)?;
        own.bytes += self.reader.buffer_position() - start;
        if own.bytes > MOST {
            return Err(unreadable(TOO_LONG));
        }
        element::add(&mut own.fields, child);
        Ok(())
    }

    /// All of an element whose start was read.
    fn whole(&mut self, mut element: Element, level: usize) -> Result<Element, Refusal> {
        if level >= LEVELS {
            return Err(unreadable(format!("{LEVELS} niveaux au plus.")));
        }
        loop {
            match self.next(false)? {
                Next::End => return Ok(element),
                Next::Text(text) => element.text.push_str(&text),
                Next::Child(child) => {
                    let child = self.whole(child, level + 1)?;
                    element.children.push(child);
                }
            }
        }
    }

    /// The next child, text or end; `outside` of the root element the end is that of the text.
    fn next(&mut self, outside: bool) -> Result<Next, Refusal> {
        loop {
            self.buffer.clear();
            let place = self.reader.buffer_position();
            let event = self
                .reader
                .read_event_into(&mut self.buffer)
                .map_err(|error| refused(error, place))?;
            let next = match event {
                Event::Start(start) => Next::Child(started(&start).ok_or_else(|| at(place))?),
                Event::End(_) => Next::End,
                Event::Text(text) if outside && text.trim().is_empty() => continue,
                Event::Text(text) if !outside => Next::Text(text.xml10_content().into_owned()),
                Event::CData(text) if !outside => Next::Text(text.into_inner().into_owned()),
                Event::GeneralRef(name) if !outside => {
                    let text = element::resolved(&name).ok_or_else(|| at(place))?;
                    Next::Text(text)
                }
                Event::Comment(_) => continue,
                Event::Decl(_) if outside => continue,
                Event::Eof if outside => Next::End,
                _ => return Err(at(place)),
            };
            return Ok(next);
        }
    }
}

fn started(start: &BytesStart<'_>) -> Option<Element> {
    let mut element = Element::named(start.local_name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = attribute.key.local_name().as_ref().to_owned();
        let is_of_language = attribute.key.as_ref() == "xmlns" || attribute.key.prefix().is_some();
        if !is_of_language {
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .ok()?;
            element.attributes.push((name, value.into_owned()));
        }
    }
    Some(element)
}

fn refused(error: quick_xml::Error, place: u64) -> Refusal {
    match error {
        quick_xml::Error::Io(error) => match Unfit::of(&error) {
            Some(detail) => unreadable(detail),
            None => std::io::Error::new(error.kind(), error).into(),
        },
        _ => at(place),
    }
}

fn at(place: u64) -> Refusal {
    unreadable(format!(
        "Ce n'est pas un XML acceptable (octet {place}) : bien formé, sans DOCTYPE ni entité, {LEVELS} niveaux au plus."
    ))
}
