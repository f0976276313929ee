use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use super::*;
use crate::{
    domain::{
        access::{Tokens as PieceTokens, keys::tests::pair},
        hubee::testing::caller,
    },
    kernel::entropy::Entropy,
};

const URL: &str = "https://hub.example";

fn keys(pem: &str) -> Keys {
    Keys::load(&[pem.as_bytes()]).unwrap()
}

fn clock() -> Clock {
    Clock::frozen(Timestamp::from_second(1_800_000_000).unwrap())
}

fn issued(tokens: &Tokens, clock: &Clock) -> String {
    let client = caller(Scope::Si, "SI-22770001000019-77372", Some("CERTDC")).client;
    let issued = tokens.issue(&client, "SI", clock).unwrap();
    issued.access_token.expose().to_owned()
}

/// R2, R3: a token names its client and scope, and lives as long as it says.
#[test]
fn a_token_is_ours_until_the_end_of_its_life() {
    let (tokens, clock) = (Tokens::new(URL, 60, keys(&pair().serialize_pem())), clock());
    let token = issued(&tokens, &clock);
    let claims = tokens.claims(&token, &clock).unwrap();
    assert_eq!(
        (claims.sub.as_str(), claims.scope.as_str()),
        ("essai", "SI")
    );
    clock.set(Timestamp::from_second(1_800_000_059).unwrap());
    assert!(tokens.claims(&token, &clock).is_some());
    clock.set(Timestamp::from_second(1_800_000_060).unwrap());
    assert!(tokens.claims(&token, &clock).is_none());
}

/// R3: what is not a token of this hub is none, whatever signed it.
#[test]
fn a_token_of_another_key_or_house_or_kind_is_none() {
    let pem = pair().serialize_pem();
    let (tokens, clock) = (Tokens::new(URL, 60, keys(&pem)), clock());
    for stranger in [
        Tokens::new(URL, 60, keys(&pair().serialize_pem())),
        Tokens::new("https://api.example", 60, keys(&pem)),
    ] {
        assert!(tokens.claims(&issued(&stranger, &clock), &clock).is_none());
    }
    // One of the piece API, under the same key and even the same URL.
    let pieces = PieceTokens::new(URL, URL, 60, keys(&pem));
    let granted = crate::domain::access::grant::Granted {
        client_id: "essai".to_owned(),
        scopes: "pieces:read".parse().unwrap(),
        certificate: [0; 32],
    };
    let other = pieces.issue(&granted, &clock, &Entropy::system()).unwrap();
    assert!(tokens.claims(other.access_token.expose(), &clock).is_none());
    assert!(
        pieces
            .check(&issued(&tokens, &clock), &[0; 32], &clock)
            .is_err()
    );
}

#[test]
fn a_token_that_was_touched_is_none() {
    let (tokens, clock) = (Tokens::new(URL, 60, keys(&pair().serialize_pem())), clock());
    let token = issued(&tokens, &clock);
    let parts: Vec<&str> = token.split('.').collect();
    let claims = BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap();
    let claims = String::from_utf8(claims)
        .unwrap()
        .replace("\"SI\"", "\"ADMIN\"");
    let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
    let forged = [parts[0], &claims, parts[2]].join(".");
    for token in [
        forged.as_str(),
        "",
        "x",
        "a.b.c",
        &token[..token.len() - 2],
        &"x".repeat(10_000),
    ] {
        assert!(tokens.claims(token, &clock).is_none(), "{token}");
    }
}
