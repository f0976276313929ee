//! The persons of a subscription, and the forms of their addresses and telephone numbers, as the contracts narrow them.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{Fields, fields::EMAIL};

/// The most characters of a name or function.
const NAME: usize = 255;
/// The most characters of a telephone number where only its digits are looked at.
pub const PHONE: usize = 100;

/// A person: the local administrator of a subscription, or its delegated actor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Address; a delegated actor may have none.
    pub email: Option<String>,
    /// What they do.
    pub function: Option<String>,
    /// Telephone.
    pub phone_number: Option<String>,
    /// Mobile telephone.
    pub mobile_number: Option<String>,
}

impl Person {
    /// Reads a person, whose address is a field that must be there, if only as `null` where `may_lack_email`.
    pub fn read(fields: &Fields<'_>, may_lack_email: bool) -> Self {
        Self {
            first_name: fields.text("firstName", NAME),
            last_name: fields.text("lastName", NAME),
            email: email(fields, may_lack_email),
            function: fields.text("function", NAME),
            phone_number: phone(fields, "phoneNumber"),
            mobile_number: phone(fields, "mobileNumber"),
        }
    }

    /// The same person as `before`, where the address is: what is not said again is kept, since reading an object shows
    /// no more of it than the address (R52).
    pub fn or_as_before(self, before: Option<&Person>) -> Self {
        match before {
            Some(before) if before.email == self.email => Self {
                first_name: self.first_name.or_else(|| before.first_name.clone()),
                last_name: self.last_name.or_else(|| before.last_name.clone()),
                email: self.email,
                function: self.function.or_else(|| before.function.clone()),
                phone_number: self.phone_number.or_else(|| before.phone_number.clone()),
                mobile_number: self.mobile_number.or_else(|| before.mobile_number.clone()),
            },
            _ => self,
        }
    }

    /// As the contract shows a person who is only to be reached.
    pub fn brief(&self) -> Json {
        json!({ "email": self.email })
    }

    /// As the contract shows a person to who has just named them.
    pub fn full(&self) -> Json {
        json!({
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "function": self.function,
            "phoneNumber": self.phone_number,
            "mobileNumber": self.mobile_number,
        })
    }
}

fn email(fields: &Fields<'_>, may_lack: bool) -> Option<String> {
    if !may_lack || fields.has("email") {
        let text = fields.required_text("email", EMAIL);
        if !text.is_empty() && !is_plain_email(&text) {
            fields.wrong("email", "String is not a valid email value");
        }
        return Some(text);
    }
    None
}

fn phone(fields: &Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name, PHONE)?;
    if !is_phone(&text) {
        fields.wrong(
            name,
            "String is not a telephone number: 10 to 20 digits, + before them or not",
        );
    }
    Some(text)
}

/// Whether an address is one by the contract's own narrow form: letters, digits, `.`, `_` and `-`, and a last label of 2 to
/// 4 small letters.
pub fn is_plain_email(text: &str) -> bool {
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        part.chars().all(fits)
    };
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let Some((name, last)) = host.rsplit_once('.') else {
        return false;
    };
    let is_last = (2..=4).contains(&last.len()) && last.bytes().all(|c| c.is_ascii_lowercase());
    !local.is_empty() && plain(local) && name.len() >= 2 && plain(name) && is_last
}

/// Whether a text is a telephone number: 10 to 20 digits, `+` before them or not.
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (10..=20).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit())
}

/// Whether a text holds a telephone number: ten digits in a row, whatever stands around them.
pub fn holds_phone(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|run| run.len() >= 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R52: the addresses of persons have the narrow form of the contract.
    #[test]
    fn an_address_of_a_person_has_the_contracts_form() {
        for text in [
            "George.DUBOIS@admin.com",
            "a_b-c@dgs.sante.gouv.fr",
            "a@xy.fr",
        ] {
            assert!(is_plain_email(text), "{text}");
        }
        for text in [
            "",
            "@x.fr",
            "a@x.fr",
            "a@xy",
            "a@xy.FR",
            "a@xy.museum",
            "a+b@xy.fr",
            "a@xy.fr ",
            "a@b@xy.fr",
            "é@xy.fr",
        ] {
            assert!(!is_plain_email(text), "{text}");
        }
    }

    #[test]
    fn a_telephone_number_has_ten_to_twenty_digits() {
        assert!(is_phone("00658475847") && is_phone("+33658475847"));
        assert!(!is_phone("06 58 47 58 47") && !is_phone("065847584") && !is_phone(""));
        assert!(!is_phone(&"1".repeat(21)));
        assert!(holds_phone("tel. 0658475847") && !holds_phone("06 58 47 58 47"));
    }

    /// R52: a client sends back what it has read, which is the address only; the rest is not lost by that.
    #[test]
    fn a_person_who_keeps_the_address_keeps_the_rest() {
        let before = Person {
            first_name: Some("Anne".to_owned()),
            email: Some("a@xy.fr".to_owned()),
            ..Person::default()
        };
        let said = |email: &str| Person {
            email: Some(email.to_owned()),
            ..Person::default()
        };
        assert_eq!(said("a@xy.fr").or_as_before(Some(&before)), before);
        let another = said("b@xy.fr").or_as_before(Some(&before));
        assert_eq!(another.first_name, None);
    }
}
