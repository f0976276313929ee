//! The text of mails to subscribers, in French: the process and external ids, nothing else of a télédossier.

/// A mail's subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Its subject, one line.
    pub(super) subject: String,
    /// Its text, lines ended by `\n`.
    pub(super) text: String,
}

/// How to go on.
const WHERE: &str = "Connectez-vous au portail ou à votre application pour le traiter.";
/// Who writes.
const SIGNED: &str = "Ce message est envoyé par le HubEE, sans réponse possible. Vos préférences de notification\n\
    se règlent dans votre abonnement à la démarche.";

/// What a mail is about: the environment and the process are the gateway's and the case's.
pub(super) struct About<'a> {
    /// The environment, such as `production`.
    pub(super) environment: &'a str,
    /// The process's code.
    pub(super) process: &'a str,
    /// The subscriber, `SI-SIRET-BRANCH`.
    pub(super) recipient: &'a str,
}

/// The mail about a case that is new to its recipient.
pub(super) fn new_case(about: &About<'_>, external_id: &str) -> Letter {
    one(
        about,
        external_id,
        "Nouveau télédossier",
        "Un nouveau télédossier vous a été transmis.",
    )
}

/// The mail about an event of a case.
pub(super) fn event(about: &About<'_>, external_id: &str) -> Letter {
    one(
        about,
        external_id,
        "Télédossier mis à jour",
        "Un de vos télédossiers a été mis à jour.",
    )
}

fn one(about: &About<'_>, external_id: &str, title: &str, news: &str) -> Letter {
    let external_id = plain(external_id);
    Letter {
        subject: subject(about, title),
        text: format!(
            "Bonjour,\n\n{news}\n\n{}Télédossier : {external_id}\n\n{WHERE}\n\n{SIGNED}\n",
            head(about)
        ),
    }
}

/// The mail about a day: `ids` are the first of its cases, `count` is how many things happened.
pub(super) fn day(about: &About<'_>, ids: &[String], cases: usize, count: u64) -> Letter {
    let title = match cases {
        1 => "1 télédossier nouveau ou mis à jour".to_owned(),
        cases => format!("{cases} télédossiers nouveaux ou mis à jour"),
    };
    let mut lines: Vec<String> = ids.iter().map(|id| format!("- {}", plain(id))).collect();
    let hidden = cases.saturating_sub(ids.len());
    if hidden > 0 {
        lines.push(format!("- et {}", counted(hidden as u64, "autre")));
    }
    Letter {
        subject: subject(about, &title),
        text: format!(
            "Bonjour,\n\nDepuis votre dernier récapitulatif : {title} ({}).\n\n{}{}\n\n{WHERE}\n\n{SIGNED}\n",
            counted(count, "notification"),
            head(about),
            lines.join("\n")
        ),
    }
}

/// A number of things, in French: one of them is no plural.
fn counted(count: u64, what: &str) -> String {
    match count {
        0 | 1 => format!("{count} {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn subject(about: &About<'_>, title: &str) -> String {
    format!(
        "[HubEE {}] {} : {}",
        about.environment,
        plain(about.process),
        title
    )
}

fn head(about: &About<'_>) -> String {
    format!(
        "Démarche : {}\nDestinataire : {}\n",
        plain(about.process),
        plain(about.recipient)
    )
}

/// On one line, whatever its sender wrote.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About {
        environment: "essai",
        process: "CERTDC",
        recipient: "SI-21770001000019-77001",
    };

    #[test]
    fn a_letter_about_a_case_names_its_process_and_its_external_id() {
        let letter = new_case(&ABOUT, "DGS-CERTDC-0000000000001-01\r\nBcc: x@y");
        assert_eq!(letter.subject, "[HubEE essai] CERTDC : Nouveau télédossier");
        for part in [
            "Un nouveau télédossier vous a été transmis.",
            "Démarche : CERTDC\n",
            "Télédossier : DGS-CERTDC-0000000000001-01Bcc: x@y\n",
        ] {
            assert!(
                letter.text.contains(part),
                "{part} is not in:\n{}",
                letter.text
            );
        }
        assert!(event(&ABOUT, "A").text.contains("mis à jour"));
    }

    #[test]
    fn a_digest_names_the_first_cases_and_counts_the_others() {
        let ids = ["A-01".to_owned(), "B-01".to_owned()];
        let letter = day(&ABOUT, &ids, 5, 7);
        assert!(
            letter
                .subject
                .ends_with("5 télédossiers nouveaux ou mis à jour"),
            "{letter:?}"
        );
        assert!(
            letter.text.contains("- A-01\n- B-01\n- et 3 autres\n"),
            "{letter:?}"
        );
        let one = day(&ABOUT, &ids[..1], 1, 1);
        assert!(one.subject.ends_with("1 télédossier nouveau ou mis à jour"));
        assert!(!one.text.contains("autre"), "{one:?}");
        assert!(one.text.contains("(1 notification)"), "{one:?}");
        let two = day(&ABOUT, &ids[..1], 2, 3);
        assert!(two.text.contains("- et 1 autre\n"), "{two:?}");
        assert!(two.text.contains("(3 notifications)"), "{two:?}");
    }
}
