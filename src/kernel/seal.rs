//! Encryption of small values and wrapping of keys: AES-256-GCM with a random nonce before the ciphertext.
//!
//! The hierarchy: a master key (a file of the operator's) wraps one key per project; a project's key wraps one data key per
//! exchange and per blob. Destroying a key destroys what it wraps, backups included. Blobs have frames of their own
//! (`vault::frame`), under a data key from here.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{
    entropy::Entropy,
    fault::{Code, Fault, Result},
    secret::Key,
};

/// Encrypts `plain` under `key`. `context` is authenticated, not stored: the same must be given to [`open`].
pub fn seal(key: &Key, entropy: &Entropy, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce = entropy.bytes::<NONCE_LEN>()?;
    // Returns have up to 20 MB: one copy of them, no more.
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let text = &mut sealed[NONCE_LEN..];
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::from(&nonce), Aad::from(context), text)
        .map_err(|_| Fault::internal("AES-256-GCM refused to seal"))?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Decrypts what [`seal`] made. Fails with code `corrupt` if one bit of key, context or value differs.
pub fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(corrupt)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| corrupt())?;
    let mut plain = body.to_vec();
    let length = cipher(key)?
        .open_in_place(nonce, Aad::from(context), &mut plain)
        .map_err(|_| corrupt())?
        .len();
    plain.truncate(length);
    Ok(plain)
}

/// A fresh data key and itself wrapped by `parent`.
pub fn fresh_key(parent: &Key, entropy: &Entropy, context: &[u8]) -> Result<(Key, Vec<u8>)> {
    let key = Key::new(entropy.bytes()?);
    let wrapped = seal(parent, entropy, context, key.expose())?;
    Ok((key, wrapped))
}

/// Unwraps a key of [`fresh_key`].
pub fn unwrap_key(parent: &Key, context: &[u8], wrapped: &[u8]) -> Result<Key> {
    let bytes = open(parent, context, wrapped)?;
    bytes.try_into().map(Key::new).map_err(|_| corrupt())
}

fn cipher(key: &Key) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.expose())
        .map(LessSafeKey::new)
        .map_err(|_| Fault::internal("AES-256-GCM refused its key"))
}

fn corrupt() -> Fault {
    Fault::new(Code::Corrupt, "Une valeur enregistrée ne se déchiffre pas.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_its_context_and_all_its_bits() {
        let (key, entropy) = (Key::new([3; 32]), Entropy::system());
        let sealed = seal(&key, &entropy, b"row 1", b"dossier").unwrap();
        assert_eq!(open(&key, b"row 1", &sealed).unwrap(), b"dossier");
        assert!(open(&key, b"row 2", &sealed).is_err());
        assert!(open(&Key::new([4; 32]), b"row 1", &sealed).is_err());
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, b"row 1", &flipped).is_err());
        }
    }

    #[test]
    fn a_wrapped_key_comes_back_the_same() {
        let parent = Key::new([9; 32]);
        let (key, wrapped) = fresh_key(&parent, &Entropy::system(), b"ctx").unwrap();
        assert_eq!(
            unwrap_key(&parent, b"ctx", &wrapped).unwrap().expose(),
            key.expose()
        );
    }
}
