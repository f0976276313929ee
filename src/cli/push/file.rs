//! A file to be sent: its name, its size, its SHA-256, the media type that its content and its name tell.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    domain::{archives::pack::media_type, processing::sniff::PREFIX_BYTES},
    kernel::{
        digest::Hasher,
        fault::{Code, Fault, Result},
    },
};

/// A file that was read once.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) media_type: String,
}

impl Document {
    /// Reads the whole file, with constant memory. Blocks. Fails with `usage` where it does not read.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| Fault::new(Code::Usage, format!("{}: {why}", path.display()));
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| failed("its name is no text".to_owned()))?;
        let mut file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let (mut hasher, mut prefix, mut size) = (Hasher::new(false), Vec::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = file
                .read(&mut buffer)
                .map_err(|error| failed(error.to_string()))?;
            if read == 0 {
                break;
            }
            let wanted = read.min(PREFIX_BYTES - prefix.len());
            prefix.extend_from_slice(&buffer[..wanted]);
            hasher.update(&buffer[..read]);
            size += read as u64;
        }
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            size,
            sha256: crate::kernel::digest::hex(&hasher.finish().sha256),
            media_type: media_type(&prefix, path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(prefix: &[u8], name: &str) -> String {
        media_type(prefix, Path::new(name))
    }

    #[test]
    fn the_content_tells_the_type_and_the_name_helps_where_it_cannot() {
        assert_eq!(told(b"%PDF-1.7\n", "a.txt"), "application/pdf");
        assert_eq!(told(b"a;b\n1;2\n", "table.CSV"), "text/csv");
        assert_eq!(told(b"a;b\n1;2\n", "table"), "text/plain");
        assert_eq!(told(&[0, 1, 2, 3], "x.bin"), "application/octet-stream");
    }
}
