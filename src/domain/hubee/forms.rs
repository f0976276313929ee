//! The forms of single values: what is a date, an id, an e-mail address, a text that can be kept.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::storage::is_text;

/// What a text is not fit for, if anything: longer than `most` characters, or with a NUL, which no database of ours keeps.
pub fn misfit(text: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    if length > most {
        return Some(format!(
            "String is too long ({length} characters, at most {most})"
        ));
    }
    (!is_text(text)).then(|| "String holds a NUL character".to_owned())
}

/// A whole number, however JSON writes it (`25`, `25.0`).
pub fn integer(value: &Value) -> Option<i64> {
    /// From there on not every whole number has a floating one.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let floating = || {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    };
    value.as_i64().or_else(floating)
}

/// A date with its offset (RFC 3339), to the microsecond that the database keeps.
pub fn instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let dated = bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-';
    let timed = dated && matches!(bytes[10], b'T' | b't' | b' ') && bytes[13] == b':';
    if !timed || text.contains('[') {
        return None;
    }
    let instant: Timestamp = text.parse().ok()?;
    Timestamp::from_microsecond(instant.as_microsecond()).ok()
}

/// A date as the hub writes it: to the millisecond, always. Older readers of JSON (`SimpleDateFormat` behind Jackson before 2.9)
/// take whatever stands behind the point for so many milliseconds, and would be minutes off.
pub fn date(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// An id in its usual spelling, 36 characters with hyphens; large letters are taken too.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}

/// Whether a text is an e-mail address by its form: one `@`, something before it, a host with a dot behind it, no blank.
pub fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@,;:<>()[]\\\"".contains(c);
    let labels: Vec<&str> = host.split('.').collect();
    !local.is_empty()
        && local.chars().all(plain)
        && labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// R6: a date has an offset.
    #[test]
    fn a_date_needs_its_offset_and_is_kept_to_the_microsecond() {
        let at = instant("2026-03-04T10:15:30.123456789+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-03-04T09:15:30.123456Z");
        assert!(instant("2026-03-04T09:15:30Z").is_some());
        assert!(instant("2026-03-04t09:15:30z").is_some());
        for text in [
            "2026-03-04T10:15:30",
            "2026-03-04",
            "10:15:30Z",
            "2026-13-04T10:15:30Z",
            "2026-02-30T10:15:30Z",
            "2026-03-04T25:15:30Z",
            "2026-03-04T10:15:30+01:00[Europe/Paris]",
            "hier",
            "",
            "20260304T101530Z",
            "2026-03-04T10:15:30é+01:00",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    /// R6: what is written has three digits behind the point, whatever the date, and reads back.
    #[test]
    fn a_date_is_written_to_the_millisecond() {
        for (kept, written) in [
            ("2026-03-04T10:15:30+01:00", "2026-03-04T09:15:30.000Z"),
            ("2026-03-04T09:15:30.5Z", "2026-03-04T09:15:30.500Z"),
            ("2026-03-04T09:15:30.123999Z", "2026-03-04T09:15:30.123Z"),
        ] {
            assert_eq!(date(instant(kept).unwrap()), written);
            assert!(instant(written).is_some());
        }
    }

    #[test]
    fn an_id_has_one_form_and_large_letters() {
        let text = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";
        assert_eq!(uuid(text), uuid(&text.to_uppercase()));
        assert!(uuid(text).is_some());
        for text in [
            "",
            "dddddd",
            "01a1ffe0542b7a419c3e5b0f2a7d6e10",
            "{01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10}",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_has_a_local_part_and_a_host() {
        for text in [
            "a@b.fr",
            "George.DUBOIS+x@admin.gouv.fr",
            "o'neil@x-y.example",
        ] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "", "a", "a@", "@b.fr", "a@b", "a b@c.fr", "a@b@c.fr", "a@.fr", "a@b..fr", "a@b.fr\n",
            "<a@b.fr>",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_read_as_json_writes_them() {
        assert_eq!(integer(&json!(25)), Some(25));
        assert_eq!(integer(&json!(25.0)), Some(25));
        assert_eq!(integer(&json!(25.5)), None);
        assert_eq!(integer(&json!("25")), None);
        assert_eq!(integer(&json!(1e300)), None);
    }

    #[test]
    fn a_text_is_measured_in_characters_and_holds_no_nul() {
        assert_eq!(misfit("éé", 2), None);
        assert!(misfit("ééé", 2).is_some());
        assert!(misfit("a\0", 5).is_some());
    }
}
