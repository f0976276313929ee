use serde_json::{Value, json};

use super::{super::keys::tests::pair, *};
use crate::kernel::clock::instant;

const MINE: Sha256 = [7; 32];
const NOW: i64 = 1_795_294_254;

fn clock() -> Clock {
    Clock::frozen(instant(NOW * 1_000_000))
}

fn tokens(pems: &[&str]) -> Tokens {
    let pems: Vec<_> = pems.iter().map(|pem| pem.as_bytes()).collect();
    let keys = Keys::load(&pems).unwrap();
    Tokens::new("https://gw.example", "pieces", 86_400, keys)
}

fn issued(tokens: &Tokens) -> String {
    let granted = Granted {
        client_id: "asp".into(),
        scopes: "pieces:read".parse().unwrap(),
        certificate: MINE,
    };
    let issued = tokens
        .issue(&granted, &clock(), &Entropy::system())
        .unwrap();
    issued.access_token.expose().to_owned()
}

fn part(token: &str, nth: usize) -> Value {
    let part = token.split('.').nth(nth).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// The good token with some claims changed, signed again by the same key.
fn forged(tokens: &Tokens, changes: Value) -> String {
    let mut claims = part(&issued(tokens), 1);
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let (key, kid) = tokens.keys.signing();
    let mut header = Header::new(Algorithm::ES256);
    (header.kid, header.typ) = (Some(kid.into()), Some(TYPE.into()));
    encode(&header, &claims, key).unwrap()
}

fn code(tokens: &Tokens, token: &str) -> Option<Code> {
    let checked = tokens.check(token, &MINE, &clock());
    checked.err().map(|fault| fault.code())
}

#[test]
fn an_issued_token_passes_with_its_certificate_until_its_last_second() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let (token, clock) = (issued(&tokens), clock());
    let bearer = tokens.check(&token, &MINE, &clock).unwrap();
    assert_eq!(bearer.client_id, "asp");
    assert_eq!(bearer.scopes.to_string(), "pieces:read");
    assert_eq!(bearer.expires_at.as_second(), NOW + 86_400);
    clock.set(instant((NOW + 86_399) * 1_000_000));
    assert!(tokens.check(&token, &MINE, &clock).is_ok());
    clock.set(instant((NOW + 86_400) * 1_000_000));
    let fault = tokens.check(&token, &MINE, &clock).unwrap_err();
    assert_eq!(fault.code(), Code::TokenExpired);
}

#[test]
fn a_token_of_another_certificate_is_refused() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let fault = tokens
        .check(&issued(&tokens), &[8; 32], &clock())
        .unwrap_err();
    assert_eq!(fault.code(), Code::TokenCertificateMismatch);
    let empty = forged(&tokens, json!({"cnf": {"x5t#S256": ""}}));
    assert_eq!(code(&tokens, &empty), Some(Code::TokenCertificateMismatch));
}

#[test]
fn a_token_seen_before_is_refused_all_the_same_with_another_certificate() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let token = issued(&tokens);
    assert_eq!(code(&tokens, &token), None);
    let fault = tokens.check(&token, &[8; 32], &clock()).unwrap_err();
    assert_eq!(fault.code(), Code::TokenCertificateMismatch);
}

#[test]
fn every_claim_counts() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    assert_eq!(code(&tokens, &forged(&tokens, json!({}))), None);
    let bad = [
        json!({"aud": "archives"}),
        json!({"iss": "https://evil.example"}),
        json!({"nbf": NOW + 31}),
        json!({"cnf": null}),
        json!({"exp": "tomorrow"}),
        json!({"exp": i64::MAX}),
        json!({"scope": "root"}),
        json!({"sub": null}),
    ];
    for changes in bad {
        let token = forged(&tokens, changes.clone());
        assert_eq!(code(&tokens, &token), Some(Code::TokenInvalid), "{changes}");
    }
}

#[test]
fn no_algorithm_but_es256_is_believed() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let good = issued(&tokens);
    let (claims, kid) = (good.split('.').nth(1).unwrap(), tokens.keys.signing().1);
    for algorithm in ["none", "None", "HS256", "ES384", "RS256"] {
        let header = json!({"alg": algorithm, "typ": TYPE, "kid": kid}).to_string();
        let header = BASE64URL_NOPAD.encode(header.as_bytes());
        let signature = good.split('.').nth(2).unwrap();
        for signature in ["", signature] {
            let token = format!("{header}.{claims}.{signature}");
            assert_eq!(code(&tokens, &token), Some(Code::TokenInvalid));
        }
    }
    // The public key as a shared secret: the classic confusion.
    let mut header = Header::new(Algorithm::HS256);
    (header.kid, header.typ) = (Some(kid.into()), Some(TYPE.into()));
    let public = serde_json::to_vec(tokens.keys.jwks()).unwrap();
    let secret = jsonwebtoken::EncodingKey::from_secret(&public);
    let token = encode(&header, &part(&good, 1), &secret).unwrap();
    assert_eq!(code(&tokens, &token), Some(Code::TokenInvalid));
}

#[test]
fn a_changed_cut_or_endless_token_is_invalid() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let good = issued(&tokens);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(
            code(&tokens, &String::from_utf8(bytes).unwrap()).is_some(),
            "{at}"
        );
        assert!(code(&tokens, &good[..at]).is_some());
    }
    for token in ["", "..", "é.é.é", &"a".repeat(1 << 20), &"a.".repeat(4000)] {
        assert_eq!(code(&tokens, token), Some(Code::TokenInvalid));
    }
}

#[test]
fn tokens_of_the_former_key_pass_until_it_leaves_the_ring() {
    let (old, new) = (pair(), pair());
    let token = issued(&tokens(&[&old.serialize_pem()]));
    let both = tokens(&[&new.serialize_pem(), &old.public_key_pem()]);
    assert_eq!(code(&both, &token), None);
    assert_eq!(part(&issued(&both), 0)["kid"], *both.keys.signing().1);
    let rotated = tokens(&[&new.serialize_pem()]);
    assert_eq!(code(&rotated, &token), Some(Code::TokenInvalid));
}

#[test]
fn a_jwt_made_for_another_purpose_is_no_access_token() {
    let tokens = tokens(&[&pair().serialize_pem()]);
    let (key, kid) = tokens.keys.signing();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid.into());
    let token = encode(&header, &part(&issued(&tokens), 1), key).unwrap();
    assert_eq!(code(&tokens, &token), Some(Code::TokenInvalid));
}
