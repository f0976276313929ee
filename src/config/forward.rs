//! `forward = { hubee = …, recipient = … }` of a project: what it accepts goes on as télédossiers of the hub.

use super::reader::Reader;

/// Where the accepted pieces and archives of a project go on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The code of the process.
    pub process: String,
    /// The organisation that is to have them, `SI-SIRET-BRANCH`.
    pub recipient: String,
    /// What the process calls their files; the first type that it takes where nothing is said.
    pub attachment_type: Option<String>,
}

impl Forward {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let process = reader.optional_text("forward.hubee");
        let recipient = reader.optional_text("forward.recipient");
        let attachment_type = reader.optional_text("forward.attachment_type");
        if process.is_none() && (recipient.is_some() || attachment_type.is_some()) {
            reader.wrong("forward.hubee", "missing: the code of the process");
        }
        let process = process?;
        if !recipient.as_deref().is_some_and(is_recipient) {
            let detail = "expected an organisation, such as \"SI-21770001000019-77001\"";
            reader.wrong("forward.recipient", detail);
        }
        Some(Self {
            process,
            recipient: recipient.unwrap_or_default(),
            attachment_type,
        })
    }
}

/// Whether `text` names an organisation that takes télédossiers.
fn is_recipient(text: &str) -> bool {
    let parts = text
        .strip_prefix("SI-")
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(register, branch)| {
        let digits = register.bytes().all(|byte| byte.is_ascii_digit());
        digits && register.len() == 14 && !branch.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_an_information_system_with_its_siret_and_branch() {
        for good in ["SI-21770001000019-77001", "SI-21770001000019-A-1"] {
            assert!(is_recipient(good), "{good}");
        }
        for bad in [
            "",
            "OSL-21770001000019-77001",
            "SI-2177000100001-77001",
            "SI-21770001000019",
            "SI-21770001000019-",
        ] {
            assert!(!is_recipient(bad), "{bad}");
        }
    }
}
