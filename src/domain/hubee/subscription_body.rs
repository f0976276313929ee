//! The body of a subscription, read with every fault at once (R52).

use jiff::Timestamp;

use super::{
    Fields, OrganizationId,
    contact::Person,
    process::CODE,
    subscription::{Frequency, Sealed},
    subscription_standing::STATUSES,
};

/// How the folders are reached.
const ACCESS_MODES: [&str; 2] = ["PORTAIL", "API"];

/// What a body says.
#[derive(Clone, Debug)]
pub struct Body {
    /// Who subscribes; nothing where the body names nobody, which is a fault.
    pub subscriber: Option<OrganizationId>,
    /// To which process.
    pub process_code: String,
    /// Its number at DataPass.
    pub datapass_id: i64,
    /// The status, where it is said.
    pub status: Option<&'static str>,
    /// How often to mail, as it was written.
    pub frequency: String,
    /// How the folders are reached.
    pub access_mode: Option<&'static str>,
    /// From when on it is to be active.
    pub activate_at: Option<Timestamp>,
    /// When it was validated.
    pub validate_at: Option<Timestamp>,
    /// When it was refused.
    pub reject_at: Option<Timestamp>,
    /// When it ends.
    pub end_at: Option<Timestamp>,
    persons: Sealed,
}

impl Body {
    /// What of it is sealed. Over an earlier one, persons who keep their address keep what is not said again.
    pub fn sealed(&self, before: Option<&Sealed>) -> Sealed {
        let said = self.persons.clone();
        let Some(before) = before else { return said };
        let actor = before.delegation_actor.as_ref();
        Sealed {
            local_administrator: said
                .local_administrator
                .or_as_before(Some(&before.local_administrator)),
            delegation_actor: said.delegation_actor.map(|said| said.or_as_before(actor)),
            partner_info: before.partner_info.clone(),
            ..said
        }
    }

    /// What is said where the subscriber has a subscription to that process already.
    pub fn taken(&self) -> String {
        let who = self.subscriber.as_ref().map(ToString::to_string);
        format!(
            "Subscription of {} to {} already exists",
            who.unwrap_or_default(),
            self.process_code
        )
    }
}

/// Reads a body; the document holds the faults.
pub fn read(fields: &Fields<'_>) -> Body {
    let persons = Sealed {
        email: fields.email("email"),
        local_administrator: Person::read(&fields.required_object("localAdministrator"), false),
        delegation_actor: fields
            .object("delegationActor")
            .map(|actor| Person::read(&actor, true)),
        rejection_reason: fields.text("rejectionReason", 1000),
        ..Sealed::default()
    };
    Body {
        subscriber: fields.required_organization("subscriber"),
        process_code: fields.required_text("processCode", CODE),
        datapass_id: fields.required_integer("datapassId", i64::MIN..=i64::MAX),
        status: fields.choice("status", &STATUSES),
        frequency: frequency(fields),
        access_mode: fields.choice("accessMode", &ACCESS_MODES),
        activate_at: fields.instant("activateDateTime"),
        validate_at: fields.instant("validateDateTime"),
        reject_at: fields.instant("rejectDateTime"),
        end_at: fields.instant("endDateTime"),
        persons,
    }
}

fn frequency(fields: &Fields<'_>) -> String {
    let text = fields.required_text("notificationFrequency", 20);
    if !text.is_empty() && Frequency::parse(&text).is_none() {
        fields.wrong(
            "notificationFrequency",
            "expected unitaire, quotidien or aucune",
        );
    }
    text
}
