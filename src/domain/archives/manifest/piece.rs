//! One piece of a manifest: its files, its business documents.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{BusinessDocument, Pages, Piece, read::Reading};
use crate::domain::exchanges::{
    fields::{Fields, PRINTABLE, Text},
    metadata::{LONG, SHORT},
};
use crate::kernel::fault::Code;

/// A name in the archive.
pub(super) const NAME: Text = Text {
    most: 1024,
    allowed: PRINTABLE,
};
/// The highest page.
const PAGES: u32 = 1_000_000;

impl Reading {
    /// The piece at `pointer`.
    pub fn piece(&mut self, pointer: &str, value: Value) -> Piece {
        let Some(object) = self.object(pointer, value) else {
            return Piece::default();
        };
        let mut fields = Fields::new(pointer, object);
        let uid = fields.text("uid", LONG).into();
        let piece_type = fields.optional_text("pieceType", SHORT).map(Into::into);
        let files = items(&mut fields, "files");
        if files.is_empty() {
            fields.wrong("files", Code::Required, "Un fichier au moins est attendu.");
        }
        let files = files.into_iter().enumerate();
        let mut piece = Piece {
            uid,
            piece_type,
            files: files
                .map(|(place, file)| self.file(&format!("{pointer}/files/{place}"), file))
                .collect(),
            business_data: self.business_data(pointer, &mut fields).into(),
            documents: Vec::new(),
        };
        let documents = items(&mut fields, "documents").into_iter().enumerate();
        piece.documents = documents
            .map(|(place, document)| {
                self.document(&format!("{pointer}/documents/{place}"), document, &piece)
            })
            .collect();
        self.absorb(fields.finish());
        self.check_documents(pointer, &piece);
        piece
    }

    /// The object that `value` is.
    pub fn object(&mut self, pointer: &str, value: Value) -> Option<Map<String, Value>> {
        match value {
            Value::Object(object) => Some(object),
            _ => {
                self.invalid(pointer, "Un objet est attendu.");
                None
            }
        }
    }

    fn document(&mut self, pointer: &str, value: Value, of: &Piece) -> BusinessDocument {
        let Some(object) = self.object(pointer, value) else {
            return BusinessDocument::default();
        };
        let mut fields = Fields::new(pointer, object);
        let pages = items(&mut fields, "pages").into_iter().enumerate();
        let pages = pages
            .map(|(place, pages)| self.pages(&format!("{pointer}/pages/{place}"), pages, of))
            .collect();
        let document = BusinessDocument {
            uid: fields.text("uid", LONG).into(),
            document_type: fields.optional_text("documentType", SHORT).map(Into::into),
            pages,
            files: names(&mut fields, of),
            business_data: self.business_data(pointer, &mut fields).into(),
        };
        if document.pages.is_empty() == document.files.is_empty() {
            fields.wrong(
                "pages",
                Code::Invalid,
                "Soit des pages, soit des fichiers sont attendus.",
            );
        }
        self.absorb(fields.finish());
        document
    }

    fn pages(&mut self, pointer: &str, value: Value, of: &Piece) -> Pages {
        let object = self.object(pointer, value).unwrap_or_default();
        let mut fields = Fields::new(pointer, object);
        let pages = Pages {
            file: fields
                .optional_text("file", NAME)
                .map(|name| crate::codec::comparable(&name).into()),
            from: fields.number("from", 1, PAGES),
            to: fields.number("to", 1, PAGES),
        };
        if pages.to < pages.from {
            fields.wrong(
                "to",
                Code::OutOfRange,
                "La dernière page précède la première.",
            );
        }
        match &pages.file {
            None if of.files.len() > 1 => {
                fields.wrong(
                    "file",
                    Code::Required,
                    "La pièce a plusieurs fichiers : lequel ?",
                );
            }
            Some(file) if !has(of, file) => fields.wrong("file", Code::Invalid, NOT_OF_THE_PIECE),
            _ => {}
        }
        self.absorb(fields.finish());
        pages
    }

    fn check_documents(&mut self, pointer: &str, piece: &Piece) {
        let mut seen = HashSet::new();
        for (place, document) in piece.documents.iter().enumerate() {
            if !document.uid.is_empty() && !seen.insert(&document.uid) {
                let pointer = format!("{pointer}/documents/{place}/uid");
                self.invalid(
                    &pointer,
                    "Un autre document de la pièce porte cet identifiant.",
                );
            }
        }
    }
}

const NOT_OF_THE_PIECE: &str = "Ce fichier n'est pas l'un de ceux de la pièce.";

fn has(piece: &Piece, name: &str) -> bool {
    piece.files.iter().any(|file| &*file.name == name)
}

/// The items of the list that may stand at `field`.
fn items(fields: &mut Fields, field: &str) -> Vec<Value> {
    match fields.take(field) {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            fields.wrong(field, Code::Invalid, "Une liste est attendue.");
            Vec::new()
        }
    }
}

/// The names of a document's files, each one of the piece's.
fn names(fields: &mut Fields, of: &Piece) -> Vec<Box<str>> {
    let names = items(fields, "files").into_iter().map(|name| match name {
        Value::String(name) => crate::codec::comparable(&name).into(),
        _ => Box::default(),
    });
    let names: Vec<Box<str>> = names.collect();
    if names.iter().any(|name| !has(of, name)) {
        fields.wrong("files", Code::Invalid, NOT_OF_THE_PIECE);
    }
    names
}
