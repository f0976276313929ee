//! By the monitor's REST API: `POST …/transfers…?part=…&idf=…` with the file's path, the word for the partner and our id.
//!
//! It answers 201 and a document that holds the transfer's `idtu`.

use std::{path::Path, time::Duration};

use reqwest::{Certificate, Client, RequestBuilder, redirect};
use serde_json::{Value as Json, json};

use super::submit::{Request, away, refused};
use crate::{
    config::depots::CftLogin,
    kernel::{
        fault::{Code, Fault, Result},
        secret::Secret,
    },
};

/// The most bytes of an answer.
const ANSWER: usize = 64 * 1024;

pub(super) fn submit(
    url: &str,
    login: &CftLogin,
    ca: &Path,
    request: &Request<'_>,
    path: &str,
    patience: Duration,
) -> Result<Option<String>> {
    let client = client(ca, patience)?;
    let body = json!({ "fname": path, "parm": request.parm, "ida": request.ida });
    // Both are words that need no spelling in a URL.
    let url = format!("{url}?part={}&idf={}", request.part, request.idf);
    let call = client
        .post(url)
        .header("accept", "application/json")
        .json(&body);
    let call = signed(call, login)?;
    // The verbs of a transport block: this thread may wait, and has a runtime of its own for as long.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Fault::internal)?;
    runtime.block_on(answer(call))
}

async fn answer(call: RequestBuilder) -> Result<Option<String>> {
    let mut response = call
        .send()
        .await
        .map_err(|error| away(error.without_url()))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|e| away(e.without_url()))? {
        body.extend_from_slice(&bytes);
        if body.len() > ANSWER {
            return Err(away("an answer without end"));
        }
    }
    match status.as_u16() {
        200..=202 => {
            let said = serde_json::from_slice(&body).unwrap_or(Json::Null);
            Ok(idtu(&said))
        }
        408 | 429 | 500..=599 => Err(away(status)),
        401 | 403 => {
            let detail = "CFT refuse notre compte.";
            Err(Fault::new(Code::DepotLoginRefused, detail).because(status))
        }
        _ => Err(refused(status)),
    }
}

fn client(ca: &Path, patience: Duration) -> Result<Client> {
    let pem = std::fs::read(ca).map_err(unfit)?;
    let authorities = Certificate::from_pem_bundle(&pem).map_err(unfit)?;
    Client::builder()
        .tls_certs_only(authorities)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(patience)
        .build()
        .map_err(unfit)
}

fn signed(call: RequestBuilder, login: &CftLogin) -> Result<RequestBuilder> {
    Ok(match login {
        CftLogin::Password(user, file) => call.basic_auth(user, Some(secret(file)?.expose())),
        CftLogin::Token(file) => call.bearer_auth(secret(file)?.expose()),
    })
}

fn secret(file: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(file).map_err(unfit)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn unfit(error: impl std::fmt::Display) -> Fault {
    let detail = "un secret ou un certificat de CFT est illisible";
    Fault::new(Code::Configuration, detail).because(error)
}

/// The transfer's id, wherever the answer tells it.
fn idtu(said: &Json) -> Option<String> {
    match said {
        Json::Object(fields) => {
            let own = fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("idtu"));
            let own = own.and_then(|(_, value)| value.as_str()).map(str::to_owned);
            own.or_else(|| fields.values().find_map(idtu))
        }
        Json::Array(items) => items.iter().find_map(idtu),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_the_transfer_is_found_wherever_the_answer_tells_it() {
        let flat = json!({ "idtu": "A0000001" });
        let nested = json!({ "transfers": [{ "idt": "x", "IDTU": "A0000002" }] });
        assert_eq!(idtu(&flat).as_deref(), Some("A0000001"));
        assert_eq!(idtu(&nested).as_deref(), Some("A0000002"));
        assert_eq!(idtu(&json!({ "message": "ok" })), None);
    }
}
