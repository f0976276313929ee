use super::{super::client::tests::client, *};

const CERTIFICATE: Sha256 = [7; 32];

fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    fields.iter().map(owned).collect()
}

fn basic_header(id: &str, secret: &str) -> String {
    format!(
        "Basic {}",
        BASE64.encode(format!("{id}:{secret}").as_bytes())
    )
}

fn refused<T>(result: Result<T, GrantError>) -> Option<GrantCode> {
    let error = result.err()?;
    assert!(error.description.is_ascii(), "{}", error.description);
    Some(error.code)
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[test]
fn basic_and_post_give_the_same_token() {
    let (client, secret) = client();
    let header = basic_header(&client.client_id, secret.expose());
    let post = form(&[
        GRANT,
        ("client_id", &client.client_id),
        ("client_secret", secret.expose()),
    ]);
    let ways = [
        present(Some(&header), &form(&[GRANT])),
        present(Some(&header.replace("Basic", "bAsIc")), &form(&[GRANT])),
        present(None, &post),
    ];
    for presented in ways {
        let granted = decide(Some(&client), &presented.unwrap(), &CERTIFICATE).unwrap();
        assert_eq!(granted.client_id, client.client_id);
        assert_eq!(granted.scopes, client.scopes);
        assert_eq!(granted.certificate, CERTIFICATE);
    }
}

#[test]
fn two_ways_at_once_two_ids_or_a_repeated_field_are_an_invalid_request() {
    let header = basic_header("me", "s");
    let fields: [&[(&str, &str)]; 6] = [
        &[GRANT, ("client_id", "me"), ("client_secret", "s")],
        &[GRANT, ("client_id", "other")],
        &[GRANT, GRANT],
        &[GRANT, ("scope", "admin"), ("scope", "admin")],
        &[GRANT, ("audience", "a"), ("audience", "b")],
        &[("scope", "admin")],
    ];
    for fields in fields {
        let result = present(Some(&header), &form(fields));
        assert_eq!(
            refused(result),
            Some(GrantCode::InvalidRequest),
            "{fields:?}"
        );
    }
}

#[test]
fn another_grant_is_unsupported() {
    let result = present(None, &form(&[("grant_type", "password")]));
    assert_eq!(refused(result), Some(GrantCode::UnsupportedGrantType));
}

#[test]
fn absent_or_unreadable_credentials_are_an_invalid_client() {
    for header in [
        None,
        Some("Basic"),
        Some("Basic !!"),
        Some("Bearer abc"),
        Some("Basic YQ=="),
    ] {
        let result = present(header, &form(&[GRANT]));
        assert_eq!(
            refused(result),
            Some(GrantCode::InvalidClient),
            "{header:?}"
        );
    }
}

#[test]
fn unknown_wrong_revoked_and_pinned_elsewhere_get_one_answer() {
    let (good, secret) = client();
    let header = basic_header(&good.client_id, secret.expose());
    let right = present(Some(&header), &form(&[GRANT])).unwrap();
    let wrong = Presented {
        secret: Secret::new("x"),
        ..right.clone()
    };
    let mut revoked = good.clone();
    revoked.revoked_at = Some(jiff::Timestamp::UNIX_EPOCH);
    let mut pinned = good.clone();
    pinned.certificate_sha256 = Some([8; 32]);
    let cases = [
        (None, &right),
        (Some(&good), &wrong),
        (Some(&revoked), &right),
        (Some(&pinned), &right),
    ];
    for (client, presented) in cases {
        assert_eq!(
            decide(client, presented, &CERTIFICATE),
            Err(unknown_client())
        );
    }
    pinned.certificate_sha256 = Some(CERTIFICATE);
    assert!(decide(Some(&pinned), &right, &CERTIFICATE).is_ok());
}

#[test]
fn a_token_never_gets_more_than_the_client_has() {
    let (client, secret) = client();
    let ask = |scope: &str| {
        let presented = Presented {
            client_id: client.client_id.clone(),
            secret: secret.clone(),
            scope: Some(scope.into()),
        };
        decide(Some(&client), &presented, &CERTIFICATE)
    };
    assert_eq!(
        ask("pieces:read").unwrap().scopes.to_string(),
        "pieces:read"
    );
    for scope in ["admin", "pieces:read admin", "unknown", " "] {
        assert_eq!(
            refused(ask(scope)),
            Some(GrantCode::InvalidScope),
            "{scope}"
        );
    }
}
