//! Certificates and keys that the settings name: the listeners', the receipts' signer, those of tokens. Each fault stands at its
//! key of the settings.

use std::path::Path;

use crate::{
    config::{Gateway, Hubee, UNFIT},
    domain::{
        access::{Keys, Tokens},
        receipts::Signer,
    },
    http::tls::TlsFiles,
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
        gathering::Gathering,
    },
};

const RECEIPTS: &str = "receipts.certificate";
const RECEIPTS_KEY: &str = "receipts.key_file";
/// The keys of tokens: the first signs.
const TOKENS: [&str; 2] = ["tokens.key_file", "tokens.previous_key_file"];

/// The files of the API's listener.
pub(super) fn of_listener(gateway: &Gateway) -> TlsFiles {
    let listen = &gateway.listen;
    TlsFiles {
        certificate: listen.tls.certificate.clone(),
        key: listen.tls.key.clone(),
        client_authorities: vec![listen.client_ca.clone()],
        revocations: listen.client_crl.iter().cloned().collect(),
    }
}

/// The files of the hub's.
pub(super) fn of_hub(hub: &Hubee) -> TlsFiles {
    TlsFiles {
        certificate: hub.tls.certificate.clone(),
        key: hub.tls.key.clone(),
        ..TlsFiles::default()
    }
}

/// The receipts' signer of the settings, whatever its dates.
pub(super) fn signer(gateway: &Gateway, clock: &Clock) -> Result<Signer> {
    let (files, mut faults) = (&gateway.receipts.signer, Gathering::default());
    let chain = faults.keep(RECEIPTS, read(&files.certificate));
    let key = faults.keep(RECEIPTS_KEY, read(&files.key));
    let loaded = chain.zip(key).and_then(|(chain, key)| {
        let loaded = Signer::load(&chain, &key);
        faults.keep(RECEIPTS, loaded)
    });
    let loaded = faults.finish(UNFIT, loaded)?;
    Ok(loaded.with_clock(clock.clone()))
}

/// Whether it is within its dates; and what its operator is to be warned of.
pub(super) fn valid_signer(gateway: &Gateway, clock: &Clock) -> Result<Option<String>> {
    let signer = signer(gateway, clock)?;
    let file = gateway.receipts.signer.certificate.display();
    let outside = |fault: Fault| Fault::new(Code::Configuration, format!("{file}: {fault}"));
    let mut faults = Gathering::default();
    let usable = faults.keep(RECEIPTS, signer.usable().map_err(outside));
    let warning = signer.warning().map(|warning| format!("{file}: {warning}"));
    faults.finish(UNFIT, usable.map(|()| warning))
}

/// The authorization server of the settings.
pub(super) fn tokens(gateway: &Gateway) -> Result<Tokens> {
    let url = &gateway.listen.public_url;
    // The settings allow 30 days at most.
    let life = u32::try_from(gateway.tokens.lifetime.as_secs()).unwrap_or(86_400);
    Ok(Tokens::new(url, url, life, token_keys(gateway)?))
}

/// The keys of tokens, of both listeners.
pub(super) fn token_keys(gateway: &Gateway) -> Result<Keys> {
    let mut faults = Gathering::default();
    let named = gateway.tokens.key_files.iter().zip(TOKENS);
    let pems = named.filter_map(|(file, key)| {
        let pem = faults.keep(key, read(file))?;
        faults.keep(key, Keys::check(&pem)).map(|()| pem)
    });
    let pems: Vec<Vec<u8>> = pems.collect();
    let pems: Vec<&[u8]> = pems.iter().map(Vec::as_slice).collect();
    let keys = faults.keep(TOKENS[0], Keys::load(&pems));
    faults.finish(UNFIT, keys)
}

/// A file that the settings name. Fails with code `configuration`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let refused = |error| Fault::new(Code::Configuration, format!("{}: {error}", path.display()));
    std::fs::read(path).map_err(refused)
}
