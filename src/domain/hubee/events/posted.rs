//! An event as its author posts it, held to all rules at once (R30, R32, R35, R13).

use super::Action;
use crate::{
    domain::hubee::{
        Document, Fields, Scope,
        attachments::{Announced, announced::Allowed},
        fields::ITEMS,
        process::Process,
        status::CaseStatus,
    },
    storage::hubee::cases::CaseRow,
};

/// The most characters of an action's name.
const ACTION: usize = 100;
/// The most characters of a message, and of a comment.
const MESSAGE: usize = 1000;
/// The most characters of an author's name.
const AUTHOR: usize = 255;
/// The most characters of a status.
const STATUS: usize = 15;
/// The most characters of partner attributes.
const ATTRIBUTES: usize = 1024;

/// An event as posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// What was done.
    pub action: Action,
    /// Whether the other side is told.
    pub notification: bool,
    /// What is said to the other side.
    pub message: Option<String>,
    /// What SIs tell themselves.
    pub comment: Option<String>,
    /// Who did it.
    pub author: Option<String>,
    /// What the two systems tell each other.
    pub partner_attributes: Option<String>,
    /// How the case stood, as its author says.
    pub case_current_status: Option<String>,
    /// Where the case goes.
    pub case_new_status: Option<CaseStatus>,
    /// Its files.
    pub attachments: Vec<Announced>,
}

/// What an event is held to.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Who posts it.
    pub scope: Scope,
    /// Its case, as it stands.
    pub case: &'a CaseRow,
    /// The case's process.
    pub process: &'a Process,
}

impl Posted {
    /// Reads a body; nothing where it is faulty, and its faults are kept in `document`.
    pub fn read(document: &Document, rules: &Rules<'_>) -> Option<Self> {
        let fields = document.object();
        fields.demand_key("notification");
        let action = action(&fields);
        let posted = Self {
            action: action.unwrap_or(Action::StatusUpdate),
            notification: fields.flag("notification").unwrap_or_default(),
            message: fields.text("message", MESSAGE),
            comment: fields.text("comment", MESSAGE),
            author: fields.text("author", AUTHOR),
            partner_attributes: fields.text("partnerAttributes", ATTRIBUTES),
            case_current_status: fields.text("caseCurrentStatus", STATUS),
            case_new_status: rules.new_status(&fields),
            attachments: rules.attachments(&fields),
        };
        if let Some(action) = action {
            rules.check(&fields, action, posted.attachments.len());
        }
        (!document.is_faulty()).then_some(posted)
    }
}

fn action(fields: &Fields<'_>) -> Option<Action> {
    let text = fields.required_text("actionType", ACTION);
    let found = Action::ALL.iter().find(|action| action.as_str() == text);
    if found.is_none() && !text.is_empty() {
        let names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        fields.wrong(
            "actionType",
            &format!("expected one of {}", names.join(", ")),
        );
    }
    found.copied()
}

impl Rules<'_> {
    /// The status that the event names: in its author's list, or the one where the case is already.
    fn new_status(&self, fields: &Fields<'_>) -> Option<CaseStatus> {
        let text = fields.text("caseNewStatus", STATUS)?;
        if text.is_empty() {
            return None;
        }
        if text == self.case.status {
            return CaseStatus::parse(&text).ok();
        }
        let found = CaseStatus::settable_by(self.scope, &text);
        if found.is_none() {
            let what = format!("status {text} cannot be set by {}", self.scope);
            fields.wrong("caseNewStatus", &what);
        }
        found
    }

    fn attachments(&self, fields: &Fields<'_>) -> Vec<Announced> {
        let all = fields.objects("attachments", ITEMS).unwrap_or_default();
        let read = |fields: &Fields<'_>| {
            let announced = Announced::read(fields);
            announced.check(fields, &self.allowed());
            announced
        };
        all.iter().map(read).collect()
    }

    /// What may be deposited depends on who does it; the type is not looked at.
    fn allowed(&self) -> Allowed<'_> {
        Allowed {
            process: &self.process.code,
            formats: match self.scope {
                Scope::Si => &self.process.si_attachment_formats,
                _ => &self.process.attachment_formats,
            },
            kinds: None,
            largest: self.process.attachment_max_size,
        }
    }

    fn check(&self, fields: &Fields<'_>, action: Action, files: usize) {
        match (action.has_files(), files) {
            (true, 0) => fields.wrong(
                "attachments",
                "ATTACH_DEPOSIT needs at least one attachment",
            ),
            (false, 1..) => {
                let what = format!("{} has no attachment", action.as_str());
                fields.wrong("attachments", &what);
            }
            _ => {}
        }
        if action == Action::Message && !self.process.message_to_transmitter {
            let code = &self.process.code;
            let what = format!("SENDING_MESSAGE is not allowed for {code}");
            fields.wrong("actionType", &what);
        }
    }
}
