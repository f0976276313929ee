//! What a message must carry: the declared headers, a declared media type, a body of its schema.

use http::HeaderMap;
use serde_json::{Value, json};

use super::{Faults, members, schema::Judge};

impl Judge {
    /// The faults of an answer's headers by a response's `headers`.
    pub fn header_faults(&self, declared: &Value, headers: &HeaderMap) -> Faults {
        members(declared)
            .flat_map(|(name, header)| self.one_header(name, self.resolve(header), headers))
            .collect()
    }

    /// The faults of a request's headers by an operation's `parameters`.
    pub fn parameter_faults(&self, declared: &Value, headers: &HeaderMap) -> Faults {
        let parameters = declared.as_array().into_iter().flatten();
        parameters
            .map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter["in"] == "header")
            .flat_map(|parameter| {
                let name = parameter["name"].as_str().expect("a parameter has a name");
                self.one_header(name, parameter, headers)
            })
            .collect()
    }

    fn one_header(&self, name: &str, declared: &Value, headers: &HeaderMap) -> Faults {
        let Some(given) = headers.get(name) else {
            let required = declared["required"] == true;
            return required
                .then(|| format!("header {name} is missing"))
                .into_iter()
                .collect();
        };
        let Ok(text) = given.to_str() else {
            return vec![format!("header {name} is not ASCII")];
        };
        let schema = &declared["schema"];
        let faults = self.value_faults(schema, &header_value(self.resolve(schema), text));
        let told = faults.iter().map(|fault| format!("header {name} {fault}"));
        told.collect()
    }

    /// The faults of a body by a `content`: without one there may be no body.
    pub fn body_faults(&self, content: &Value, content_type: Option<&str>, body: &[u8]) -> Faults {
        if content.is_null() {
            let told =
                (!body.is_empty()).then(|| format!("{} bytes of body, none declared", body.len()));
            return told.into_iter().collect();
        }
        let Some(given) = content_type else {
            return vec!["no content type".to_owned()];
        };
        let essence = essence(given);
        let Some(media) = declared_media(content, &essence) else {
            let known: Vec<_> = members(content).map(|(name, _)| name).collect();
            return vec![format!(
                "content type {given}, the contract declares {known:?}"
            )];
        };
        match essence.as_str() {
            "application/json" => self.json_faults(&media["schema"], body),
            "application/problem+json" => self.problem_faults(&media["schema"], body),
            _ => Faults::new(),
        }
    }

    fn json_faults(&self, schema: &Value, body: &[u8]) -> Faults {
        match serde_json::from_slice(body) {
            Ok(value) => self.value_faults(schema, &value),
            Err(error) => vec![format!("body is not JSON: {error}")],
        }
    }

    /// A problem's `type` must be the URI of its `code`, which no schema can say.
    fn problem_faults(&self, schema: &Value, body: &[u8]) -> Faults {
        let mut faults = self.json_faults(schema, body);
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = problem["code"].as_str().unwrap_or_default();
        let wanted = format!("urn:navette:problem:{code}");
        if problem["type"] != wanted.as_str() {
            faults.push(format!("type {} beside code {code}", problem["type"]));
        }
        faults
    }
}

/// A header is text; the schema says what to read it as.
fn header_value(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => text
            .parse::<i64>()
            .map_or_else(|_| json!(text), |number| json!(number)),
        _ => json!(text),
    }
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn declared_media<'a>(content: &'a Value, essence: &str) -> Option<&'a Value> {
    let family = essence.split('/').next().unwrap_or_default();
    let range = format!("{family}/*");
    [essence, range.as_str(), "*/*"]
        .iter()
        .find_map(|media| content.get(media))
}
