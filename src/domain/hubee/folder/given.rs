//! What a new folder's body says, held to the contract and to the folder itself; what needs the database is checked in
//! [`super::admission`]. Every fault is told at once (R7, R11, R12).

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::body::Applicant;
use crate::domain::hubee::{
    Document, Fields, OrganizationId,
    attachments::announced::{Allowed, Announced},
    fields::ITEMS,
};

/// The most characters of a folder's external id.
const FOLDER_ID: usize = 30;
/// The most characters of a case's external id.
const CASE_ID: usize = 100;
/// The most characters of a process's code.
const PROCESS: usize = 30;
/// The most characters of partner attributes.
const ATTRIBUTES: usize = 1024;
/// The most characters of a name.
const NAME: usize = 255;
/// The most links between files and cases, all files together: each is a row of one transaction.
const LINKS: usize = 50_000;

/// A new folder.
#[derive(Debug)]
pub struct Given {
    /// Its number at its sender's.
    pub external_id: String,
    /// Its process.
    pub process_code: String,
    /// Who applies.
    pub applicant: Applicant,
    /// Its cases, in their order.
    pub cases: Vec<GivenCase>,
    /// Its attachments, each with the ordinals of the cases that it is for.
    pub attachments: Vec<(Announced, Vec<u32>)>,
}

/// A case of it.
#[derive(Debug)]
pub struct GivenCase {
    /// Its number at its sender's.
    pub external_id: String,
    /// Whom it is for; nothing where that is no organisation.
    pub recipient: Option<OrganizationId>,
    /// What the two sides' systems tell each other.
    pub partner_attributes: Option<String>,
}

/// What must be looked up before a body is judged: its process, and whom it is for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The code of the process, empty where there is none.
    pub process_code: String,
    /// The folder's external id, empty where there is none.
    pub external_id: String,
    /// The recipients, each once.
    pub recipients: Vec<OrganizationId>,
}

impl Wanted {
    /// Looks into a body, whatever is wrong with it.
    pub fn of(body: &Json) -> Self {
        // What holds a NUL is no text to the database, and is told where it is read.
        let plain = |text: &&str| crate::storage::is_text(text);
        let text = |name: &str| {
            body[name]
                .as_str()
                .filter(plain)
                .unwrap_or_default()
                .to_owned()
        };
        // Of more cases than a folder has, none is looked up: that is told where they are read.
        let cases = body["cases"].as_array();
        let cases = cases.filter(|cases| cases.len() <= ITEMS);
        let cases = cases.map_or(&[][..], Vec::as_slice);
        let mut recipients: Vec<_> = cases.iter().filter_map(recipient).collect();
        recipients.sort_unstable();
        recipients.dedup();
        Self {
            process_code: text("processCode"),
            external_id: text("externalId"),
            recipients,
        }
    }
}

fn recipient(case: &Json) -> Option<OrganizationId> {
    let part = |name: &str| case["recipient"][name].as_str();
    let (kind, register) = (part("type")?, part("companyRegister")?);
    OrganizationId::new(kind, register, part("branchCode")?).ok()
}

impl Given {
    /// Reads a body; its faults are kept there. `allowed` is what the process takes, where there is such a process.
    pub fn read(document: &Document, allowed: Option<&Allowed<'_>>) -> Self {
        let fields = document.object();
        let external_id = fields.required_text("externalId", FOLDER_ID);
        let process_code = fields.required_text("processCode", PROCESS);
        let applicant = applicant(&fields.required_object("applicant"));
        // It is of no consequence here, but a date that is none is told.
        fields.instant("closeDateTime");
        let cases = cases(&fields);
        let attachments = attachments(&fields, &cases, allowed);
        Self {
            external_id,
            process_code,
            applicant,
            cases,
            attachments,
        }
    }
}

fn applicant(fields: &Fields<'_>) -> Applicant {
    Applicant {
        first_name: fields.present_text("firstName", NAME),
        last_name: fields.present_text("lastName", NAME),
        email: fields.email("email"),
    }
}

fn cases(fields: &Fields<'_>) -> Vec<GivenCase> {
    let mut seen = HashMap::new();
    let mut cases = Vec::new();
    for (number, case) in fields.required_objects("cases").iter().enumerate() {
        let external_id = case.required_text("externalId", CASE_ID);
        // R12: unique in the folder.
        if !external_id.is_empty() && seen.insert(external_id.clone(), number).is_some() {
            let what = format!("case {external_id} already exists in the folder");
            case.wrong("externalId", &what);
        }
        cases.push(GivenCase {
            external_id,
            recipient: case.required_organization("recipient"),
            partner_attributes: case.text("partnerAttributes", ATTRIBUTES),
        });
    }
    cases
}

fn attachments(
    fields: &Fields<'_>,
    cases: &[GivenCase],
    allowed: Option<&Allowed<'_>>,
) -> Vec<(Announced, Vec<u32>)> {
    // The array must be there; that of a folder without files is empty.
    if !fields.has("attachments") {
        fields.required_texts("attachments", 0);
        return Vec::new();
    }
    let known = cases.iter().zip(0..);
    let known: HashMap<&str, u32> = known
        .map(|(case, ordinal)| (case.external_id.as_str(), ordinal))
        .collect();
    let objects = fields.objects("attachments", ITEMS).unwrap_or_default();
    let read = objects.iter().map(|object| {
        let announced = Announced::read(object);
        if let Some(allowed) = allowed {
            announced.check(object, allowed);
        }
        (announced, recipients(object, &known))
    });
    let read: Vec<(Announced, Vec<u32>)> = read.collect();
    let links: usize = read.iter().map(|(_, cases)| cases.len()).sum();
    if links > LINKS {
        let what = format!("expected at most {LINKS} recipients in all, found {links}");
        fields.wrong("attachments", &what);
    }
    read
}

/// R11: an attachment is for cases of this folder, and for one at least.
fn recipients(object: &Fields<'_>, known: &HashMap<&str, u32>) -> Vec<u32> {
    let named = object.required_texts("recipients", CASE_ID);
    object.not_empty("recipients");
    let (mut seen, mut ordinals) = (HashSet::new(), Vec::new());
    for (number, name) in named.iter().enumerate() {
        match known.get(name.as_str()) {
            Some(ordinal) if seen.insert(*ordinal) => ordinals.push(*ordinal),
            Some(_) => {}
            None => {
                let at = format!("recipients/{number}");
                object.wrong(
                    &at,
                    &format!("no case of the folder has the external id {name}"),
                );
            }
        }
    }
    ordinals
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::hubee::Refusal;

    fn body() -> Json {
        let recipient =
            json!({ "type": "SI", "companyRegister": "22770001000019", "branchCode": "77372" });
        json!({
            "externalId": "DGS-1",
            "processCode": "CERTDC",
            "applicant": { "firstName": "Dominique", "lastName": "Essai" },
            "cases": [
                { "externalId": "DGS-1-01", "recipient": recipient },
                { "externalId": "DGS-1-02", "recipient": recipient },
            ],
            "attachments": [
                { "fileName": "a.pdf", "type": "acte", "size": 1, "mimeType": "application/pdf", "recipients": ["DGS-1-02", "DGS-1-01"] },
            ],
        })
    }

    fn read(body: Json) -> (Given, Vec<String>) {
        let document = Document::new(body, Vec::new());
        let given = Given::read(&document, None);
        let faults = match document.done() {
            Err(Refusal::Bad(faults)) => faults,
            _ => Vec::new(),
        };
        (given, faults)
    }

    /// R6, R11: recipients keep their order, each counts once, and one recipient is looked up once.
    #[test]
    fn recipients_are_cases_of_the_folder_in_the_order_in_which_they_are_named() {
        let mut named = body();
        named["attachments"][0]["recipients"] = json!(["DGS-1-02", "DGS-1-01", "DGS-1-02"]);
        assert_eq!(Wanted::of(&named).recipients.len(), 1);
        let (given, faults) = read(named);
        assert_eq!(faults, [""; 0]);
        assert_eq!(given.attachments[0].1, [1, 0]);
    }

    /// R11, R12: an attachment for nobody, or for a case that is not there, and two cases of one number are faults.
    #[test]
    fn what_is_for_nobody_or_twice_there_is_a_fault() {
        let mut wrong = body();
        wrong["attachments"][0]["recipients"] = json!([]);
        wrong["cases"][1]["externalId"] = "DGS-1-01".into();
        let faults = read(wrong).1;
        assert_eq!(faults.len(), 2, "{faults:?}");
        let mut wrong = body();
        wrong["attachments"][0]["recipients"] = json!(["AUTRE"]);
        wrong["cases"] = json!([]);
        let faults = read(wrong).1;
        assert!(
            faults.iter().any(|fault| fault.contains("AUTRE")),
            "{faults:?}"
        );
        assert!(
            faults.iter().any(|fault| fault.contains("#/cases")),
            "{faults:?}"
        );
    }

    /// R11: a folder may be without files, but it says so.
    #[test]
    fn a_folder_without_files_holds_an_empty_array() {
        let mut bare = body();
        bare["attachments"] = json!([]);
        assert_eq!(read(bare.clone()).1, [""; 0]);
        bare.as_object_mut().unwrap().remove("attachments");
        assert_eq!(read(bare).1.len(), 1);
        assert!(
            read(json!([])).1.len() == 1,
            "no object at all is one fault"
        );
    }
}
