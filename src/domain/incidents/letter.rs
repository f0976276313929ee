//! The mail about an incident: what failed, since when, and what to do, in French.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::view::Incident;

/// A mail's subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its subject, one line.
    pub subject: String,
    /// Its text, lines ended by `\n`.
    pub text: String,
}

/// Writes the mail about `incident`, as it stands now.
pub fn write(incident: &Incident) -> Letter {
    let place = incident.project.as_deref().unwrap_or("passerelle");
    let subject = format!(
        "[Navette {}] Incident {} : {place}",
        incident.environment, incident.code
    );
    let mut lines = vec![
        incident.what_failed.to_owned(),
        String::new(),
        format!("Depuis : {}", date(incident.opened_at)),
    ];
    if incident.count > 1 {
        lines.push(format!("Dernière fois : {}", date(incident.last_at)));
        lines.push(format!("Occurrences : {}", incident.count));
    }
    if incident.state == "resolved" {
        lines.push("État : résolu depuis, la cause a disparu.".to_owned());
    }
    lines.extend([
        String::new(),
        format!("Que faire : {}", incident.what_to_do),
        String::new(),
    ]);
    lines.extend(facts(incident));
    lines.push(String::new());
    Letter {
        subject,
        text: lines.join("\n"),
    }
}

fn facts(incident: &Incident) -> Vec<String> {
    let mut lines = vec![
        format!("Incident : {}", incident.incident_id),
        format!("Code : {}", incident.code),
        format!("Environnement : {}", incident.environment),
    ];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name} : {value}")));
    };
    add("Projet", incident.project.clone());
    let exchange = incident.reconciliation_id;
    add("Échange", exchange.map(|id| id.to_string()));
    add("Téléphone", incident.telephone.clone());
    for (name, value) in incident.detail.as_object().into_iter().flatten() {
        add(name, Some(plain(value)));
    }
    lines
}

/// A particular without the quotes of JSON, on one line.
fn plain(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The date as people of the gateway's country write it, in UTC.
fn date(at: Timestamp) -> String {
    at.strftime("%d/%m/%Y à %H:%M:%S (UTC)").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::incidents::Code,
        storage::{exchanges::Owner, incidents::IncidentRow},
    };

    fn row() -> IncidentRow {
        let at = |text: &str| text.parse().unwrap();
        IncidentRow {
            id: uuid::Uuid::from_u128(7),
            code: Code::Undelivered.as_str().to_owned(),
            project: Some("asp-exemple".to_owned()),
            owner: Owner {
                partner: "asp".to_owned(),
                environment: "recette".to_owned(),
            },
            exchange_id: Some(uuid::Uuid::from_u128(8)),
            state: "open".to_owned(),
            count: 3,
            first_at: at("2026-11-20T08:00:00Z"),
            opened_at: at("2026-11-21T08:00:00Z"),
            last_at: at("2026-11-21T09:30:00Z"),
            acknowledged: None,
            resolved: None,
            called: None,
            mail_after: at("2026-11-21T08:00:00Z"),
            mailed_at: None,
            detail: json!({ "reason": "status-500" }),
        }
    }

    #[test]
    fn a_letter_says_in_french_what_failed_since_when_and_what_to_do() {
        let letter = write(&Incident::shown(row(), Some("+33 1 23".to_owned())));
        assert_eq!(
            letter.subject,
            "[Navette recette] Incident undelivered : asp-exemple"
        );
        for part in [
            Code::Undelivered.what_failed(),
            "Depuis : 21/11/2026 à 08:00:00 (UTC)",
            "Dernière fois : 21/11/2026 à 09:30:00 (UTC)",
            "Occurrences : 3",
            Code::Undelivered.what_to_do(),
            "Téléphone : +33 1 23",
            "reason : status-500",
        ] {
            assert!(
                letter.text.contains(part),
                "{part} is not in:\n{}",
                letter.text
            );
        }
    }
}
