//! One file of a piece.

use serde_json::Value;

use super::{File, JSON, XML, piece::NAME, read::Reading};
use crate::{
    codec::{comparable, is_safe_name},
    domain::{
        exchanges::{fields::Fields, metadata},
        processing::Announced,
    },
    kernel::fault::Code,
};

impl Reading {
    /// The file at `pointer`.
    pub fn file(&mut self, pointer: &str, value: Value) -> File {
        let object = self.object(pointer, value).unwrap_or_default();
        let mut fields = Fields::new(pointer, object);
        let file = File {
            name: name(&mut fields),
            media_type: self.media_type(metadata::media_type(&mut fields)),
            size: size(&mut fields),
            hash: hash(&mut fields),
        };
        self.absorb(fields.finish());
        file
    }
}

fn name(fields: &mut Fields) -> Box<str> {
    let name = comparable(&fields.text("name", NAME));
    if !name.is_empty() && !is_safe_name(&name) {
        let detail = "Un chemin relatif est attendu, sans « .. » ni « \\ ».";
        fields.wrong("name", Code::Invalid, detail);
    }
    if name == JSON || name == XML {
        fields.wrong(
            "name",
            Code::Invalid,
            "Le manifeste ne se déclare pas lui-même.",
        );
    }
    name.into()
}

fn size(fields: &mut Fields) -> Option<u64> {
    let value = fields.take("size")?;
    let size = value.as_u64().filter(|size| i64::try_from(*size).is_ok());
    if size.is_none() {
        fields.wrong("size", Code::Invalid, "Un nombre d'octets est attendu.");
    }
    size
}

fn hash(fields: &mut Fields) -> Option<Announced> {
    let hash = metadata::hash(fields)?;
    Some(Announced {
        algorithm: hash.algorithm(),
        value: hash.bytes(),
    })
}
