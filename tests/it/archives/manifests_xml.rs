//! Manifests in XML: what the same in JSON would say, and nothing more than themselves.

use navette::domain::archives::manifest::Manifest;

use super::manifests::{examples, faults};
use crate::kit::process;

/// The first example of the schema, in XML.
const XML: &str = include_str!("manifest.xml");

pub fn xml_of(piece: &str) -> String {
    format!(
        "<manifest><project>p</project><sourceApplication>a</sourceApplication><dossier><dossierId>D</dossierId>\
         <iteration>1</iteration><piece>{piece}</piece></dossier></manifest>"
    )
}

#[test]
fn a_manifest_in_xml_says_what_the_same_in_json_says() {
    let of_xml = Manifest::parse(XML.as_bytes()).unwrap();
    let of_json = Manifest::parse(examples()[0].to_string().as_bytes()).unwrap();
    assert_eq!(of_xml, of_json);
    let prefixed = XML
        .replace("</", "</n:")
        .replace('<', "<n:")
        .replace("<n:/n:", "</n:")
        .replace("<n:?", "<?")
        .replace("<n:!--", "<!--");
    let prefixed = prefixed.replace("xmlns=", "xmlns:n=");
    assert_eq!(Manifest::parse(prefixed.as_bytes()).unwrap(), of_json);
}

#[test]
fn xml_in_the_encodings_of_the_field_is_read() {
    let text = XML.replace("facture</pieceType>", "re\u{e7}u</pieceType>");
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    let latin = String::from_utf8_lossy(&latin).len();
    assert!(latin > 0);
    let declared = text.replace("UTF-8", "ISO-8859-1");
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&declared);
    let read = Manifest::parse(&bytes[..]).unwrap();
    assert_eq!(
        read.dossiers[0].pieces[0].piece_type.as_deref(),
        Some("re\u{e7}u")
    );
    let wide: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(Manifest::parse(&wide[..]).unwrap(), read);
    // Bytes that are not what is declared.
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
    assert!(faults(&bytes)[0].starts_with("manifest-unreadable"));
}

#[test]
fn xml_that_would_have_more_than_itself_read_is_refused() {
    let laughs = "<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
    let entity = XML.replace("depot-demo", "&b;");
    let file = "<!DOCTYPE m [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    let deep = xml_of(&format!(
        "<businessData>{}{}</businessData>",
        "<a>".repeat(5000),
        "</a>".repeat(5000)
    ));
    for text in [
        XML.replacen("<manifest", &format!("{laughs}<manifest"), 1),
        XML.replacen("<manifest", &format!("{file}<manifest"), 1),
        entity,
        deep,
        XML.replacen("<manifest", "<?xml-stylesheet href='x'?><manifest", 1),
        XML.replace("</manifest>", ""),
        XML.replace("</manifest>", "</manifest><manifest/>"),
        XML.replace("</manifest>", "</manifest>words"),
        XML.replace("</dossier>", "</dossiers>"),
        "<other/>".to_owned(),
        "<".to_owned(),
    ] {
        let found = faults(text.as_bytes());
        assert!(
            found.len() == 1 && found[0].starts_with("manifest-unreadable"),
            "{found:?}"
        );
    }
    let escaped = XML.replace("depot-demo", "a &amp; &#233; <![CDATA[<b>]]>");
    assert_eq!(
        Manifest::parse(escaped.as_bytes())
            .unwrap()
            .source_application,
        "a & \u{e9} <b>"
    );
}

#[test]
fn faults_of_a_manifest_in_xml_have_the_places_of_the_same_in_json() {
    let text = XML
        .replace("<project>aides-demo</project>", "")
        .replace("<iteration>1</iteration>", "<iteration>x</iteration>")
        .replace("<uid>P-000042-01</uid>", "<uid>a</uid><uid>b</uid>")
        .replace(
            "<size>48213</size>",
            "<size>many</size><colour>red</colour>",
        );
    let found = faults(text.as_bytes()).join("\n");
    for place in [
        "/project",
        "/dossiers/0/iteration",
        "/dossiers/0/pieces/0/uid",
        "/dossiers/0/pieces/0/files/0/size",
        "/dossiers/0/pieces/0/files/0/colour",
    ] {
        assert!(
            found.contains(&format!("manifest-invalid {place} :")),
            "{place} not in\n{found}"
        );
    }
}

#[test]
fn a_field_that_is_repeated_without_end_is_a_fault_like_any_other() {
    let field = |place: &str, repeated: &str| {
        let text = XML.replacen(place, &format!("{}{place}", repeated.repeat(150_000)), 1);
        faults(text.as_bytes())
    };
    for (place, at) in [
        ("<project>", "/x"),
        ("<dossierId>", "/dossiers/0/x"),
        ("<uid>", "/dossiers/0/pieces/0/x"),
        ("<mediaType>", "/dossiers/0/pieces/0/files/0/x"),
    ] {
        let found = field(place, "<x/>");
        assert!(
            found.len() == 1 && found[0].contains(&format!("{at} :")),
            "{found:?}"
        );
    }
    let twice = XML.replace(
        "<iteration>1</iteration>",
        "<iteration>1</iteration><iteration>1</iteration>",
    );
    assert!(faults(twice.as_bytes())[0].contains("/dossiers/0/iteration :"));
    // The name of the list in JSON, which no element has.
    let piece = "<uid>P</uid><file><name>a.pdf</name><mediaType>application/pdf</mediaType></file>\
                 <file><name>b.pdf</name><mediaType>application/pdf</mediaType></file><document><uid>D</uid>";
    let document = |files: &str| xml_of(&format!("{piece}{files}</document>"));
    let sound = document("<file>a.pdf</file><file>b.pdf</file>");
    assert!(Manifest::parse(sound.as_bytes()).is_ok());
    for files in [
        "<files>a.pdf</files><files>b.pdf</files>",
        "<file>a.pdf</file><files>b.pdf</files>",
    ] {
        let found = faults(document(files).as_bytes());
        let told = found
            .iter()
            .any(|fault| fault.contains("/documents/0/files :"));
        assert!(told, "{found:?}");
    }
}

#[test]
fn a_dossier_has_one_mebibyte_for_its_own_fields_however_they_stand_among_its_pieces() {
    let piece = |number: usize| {
        format!(
            "<piece><uid>P-{number}</uid><file><name>{number}.pdf</name><mediaType>application/pdf</mediaType>\
             </file></piece>"
        )
    };
    let dossier = |own: &dyn Fn(usize) -> String| {
        let content: String = (0..100)
            .map(|at| format!("{}{}", own(at), piece(at)))
            .collect();
        format!(
            "<manifest><project>p</project><sourceApplication>a</sourceApplication><dossier>\
             <dossierId>D</dossierId><iteration>1</iteration>{content}</dossier></manifest>"
        )
    };
    let long = dossier(&|at| format!("<x{at}>{}</x{at}>", "x".repeat(20_000)));
    let found = faults(long.as_bytes());
    assert!(
        found.len() == 1
            && found[0].starts_with("manifest-unreadable")
            && found[0].contains("mébioctet"),
        "{found:?}"
    );
    // Pieces have that much each.
    let data = "d".repeat(20_000);
    let sound = dossier(&|_| String::new()).replace(
        "</piece>",
        &format!("<businessData><a>{data}</a></businessData></piece>"),
    );
    assert_eq!(Manifest::parse(sound.as_bytes()).unwrap().pieces(), 100);
}

#[test]
fn business_data_of_very_many_names_are_read_and_what_repeats_is_a_list() {
    let names: String = (0..60_000).map(|at| format!("<a{at}/>")).collect();
    let text = xml_of(&format!(
        "<uid>P</uid><file><name>a.pdf</name><mediaType>application/pdf</mediaType></file>\
         <businessData>{names}<b>1</b><b>2</b><b>3</b></businessData>"
    ));
    let read = Manifest::parse(text.as_bytes()).unwrap();
    let data = read.dossiers[0].pieces[0].business_data.to_object();
    assert_eq!(data.len(), 60_001);
    assert_eq!(data["b"], serde_json::json!(["1", "2", "3"]));
}

#[test]
fn the_published_xsd_takes_what_the_reader_takes() {
    let folder = crate::kit::scratch::fresh("xsd");
    let judge = |text: &str| {
        let file = folder.join("manifest.xml");
        std::fs::write(&file, text).unwrap();
        let mut xmllint = std::process::Command::new("xmllint");
        xmllint
            .args(["--noout", "--nonet", "--schema", "schemas/manifest-v1.xsd"])
            .arg(file);
        process::run(&xmllint, 30).status.success()
    };
    assert!(judge(XML));
    for (good, bad) in [
        ("<project>aides-demo</project>", ""),
        ("<iteration>1</iteration>", "<iteration>0</iteration>"),
        ("<uid>P-000042-01</uid>", ""),
        ("<size>48213</size>", "<size>many</size>"),
        ("algorithm=\"SHA-256\"", "algorithm=\"MD5\""),
        (
            "<name>pieces/facture.pdf</name>",
            "<name>/facture.pdf</name>",
        ),
        (
            "<name>pieces/facture.pdf</name>",
            "<name>pieces/fdp\u{202e}.exe</name>",
        ),
        ("<uid>P-000042-01</uid>", "<uid>P\u{200f}</uid>"),
    ] {
        let text = XML.replacen(good, bad, 1);
        assert!(!judge(&text), "the XSD takes {bad}");
        assert!(
            !faults(text.as_bytes()).is_empty(),
            "the reader takes {bad}"
        );
    }
}
