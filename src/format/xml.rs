//! What the readers of XML formats share.
//!
//! # Bounds
//! A document is read into a tree, which takes many times the memory of the text where the text is all tags. So that a
//! file made for it takes neither much memory nor much time, a document is refused before its tree is built where it
//! declares entities (which expand), has more tags than any ECG, or tags with very many attributes or name spaces (both
//! of which are compared pairwise).

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use roxmltree::{Document, Node, ParsingOptions};

use super::binary::decoded;
use super::error::Place;
use super::recording::{Assigned, Recording, assign_leads, bounded};
use super::{FormatError, ReadOptions, Unit};
use crate::ecg::Notice;

/// The root element lies within so many bytes; before it there may be comments.
const START: usize = 8192;

/// So many tags any document may have, and one more for so many bytes of it. The tree takes up to 260 bytes for a tag and
/// the text after it, and 90 for an attribute, which counts as half a tag.
const TAGS: usize = 4000;
const BYTES_OF_A_TAG: usize = 16;

/// The attributes that one tag may have, and the prefixes of name spaces that a document may have.
const ATTRIBUTES: usize = 100;
const PREFIXES: usize = 16;

/// Base64 with or without the padding at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text of a document: by its byte-order mark, the zeros of 16-bit characters, or its declaration.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let encoding = match (Encoding::for_bom(bytes), bytes) {
        (Some((encoding, _)), _) => encoding,
        (None, [b'<', 0, ..]) => UTF_16LE,
        (None, [0, b'<', ..]) => UTF_16BE,
        // Programs that keep text as UTF-16 declare it so even where they write it as UTF-8.
        (None, _) => declared_encoding(bytes).filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(UTF_8),
    };
    match encoding == UTF_8 {
        true => decoded(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
        false => encoding.decode_with_bom_removal(bytes).0,
    }
}

/// The encoding in `<?xml version="1.0" encoding="ISO-8859-1"?>`.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(256))?);
    let (declaration, _) = start.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let label = value.strip_prefix(['"', '\''])?.split(['"', '\'']).next()?;
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// The name of the root element, without its prefix; `None` where the bytes do not begin like a document.
pub(super) fn root_name(bytes: &[u8]) -> Option<String> {
    let start = decode(bytes.get(..bytes.len().min(START))?);
    let mut rest = start.trim_start();
    loop {
        let tag = rest.strip_prefix('<')?;
        let after = if let Some(comment) = tag.strip_prefix("!--") {
            comment.split_once("-->")?.1
        } else if let Some(instruction) = tag.strip_prefix('?') {
            instruction.split_once("?>")?.1
        } else if let Some(declaration) = tag.strip_prefix("!DOCTYPE") {
            let end = declaration.find(['>', '['])?;
            let (_, after) = declaration.split_at(end);
            match after.strip_prefix('[') {
                Some(subset) => subset.split_once(']')?.1.split_once('>')?.1,
                None => after.get(1..)?,
            }
        } else {
            let name = tag.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next()?;
            let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
            return (!local.is_empty()).then(|| local.to_owned());
        };
        rest = after.trim_start();
    }
}

/// The tree of a document.
pub(super) fn parse<'a>(text: &'a str, place: Place<'_>) -> Result<Document<'a>, FormatError> {
    // Some programs write zeros after the end.
    let text = text.trim_start().trim_end_matches(|c: char| c.is_whitespace() || c.is_control());
    let tags = check_bounds(text, place)?;
    // Every tag makes a node, and so does the text after it.
    let nodes_limit = u32::try_from(tags.saturating_mul(2).saturating_add(16)).unwrap_or(u32::MAX);
    let options = ParsingOptions { allow_dtd: true, nodes_limit, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::UnclosedRootNode | roxmltree::Error::UnexpectedEndOfStream => {
            place.damaged("its end", "the document ends before its last element does")
        }
        error => place.damaged(format!("line {}", error.pos().row), error.to_string()),
    })
}

/// Refuses what would take much memory or time; the number of tags.
fn check_bounds(text: &str, place: Place<'_>) -> Result<usize, FormatError> {
    let refused = |reason: &str| Err(place.not_an_ecg(format!("the document {reason}")));
    if text.contains("<!ENTITY") {
        return refused("declares entities, which no ECG needs");
    }
    let count = |wanted: u8| text.bytes().filter(|&byte| byte == wanted).count();
    let (tags, attributes_of_all) = (count(b'<'), count(b'='));
    if tags + attributes_of_all / 2 > TAGS + text.len() / BYTES_OF_A_TAG {
        return refused("has more tags and attributes than content");
    }
    if text.split('<').skip(1).any(|tag| attributes(tag) > ATTRIBUTES) {
        return refused("has a tag of very many attributes");
    }
    let mut prefixes: Vec<&str> = Vec::new();
    for (position, found) in text.match_indices("xmlns:") {
        let rest = text.get(position + found.len()..).unwrap_or_default();
        let prefix = rest.split(|c: char| c == '=' || c.is_whitespace()).next().unwrap_or_default();
        if !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
        if prefixes.len() > PREFIXES {
            return refused("has very many name spaces");
        }
    }
    Ok(tags)
}

/// How many attributes a tag has, given the text after its `<`, which goes on to the next one.
fn attributes(tag: &str) -> usize {
    if tag.starts_with(['!', '?', '/']) {
        return 0;
    }
    let (mut count, mut quote) = (0, None);
    for byte in tag.bytes() {
        match (quote, byte) {
            (None, b'>') => break,
            (None, b'=') => count += 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    count
}

/// Whether this is an element of that name, in whatever name space.
pub(super) fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The elements of that name directly in an element.
pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, name))
}

/// The first element to which a path of names leads, such as `["age", "years"]`.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Option<Node<'a, 'i>> {
    path.iter().try_fold(node, |node, name| children(node, name).next())
}

/// The first element of that name anywhere in an element.
pub(super) fn descendant<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.descendants().find(|descendant| is(*descendant, name))
}

/// The text of an element, with that on both sides of a comment.
pub(super) fn text<'a>(node: Node<'a, '_>) -> Cow<'a, str> {
    let mut texts = node.children().filter(Node::is_text).filter_map(|text| text.text());
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(first), None) => Cow::Borrowed(first),
        (Some(first), Some(second)) => Cow::Owned([first, second].into_iter().chain(texts).collect()),
    }
}

/// The text at the end of a path, without the space around it; `None` where there is none.
pub(super) fn text_at(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let found = text(child(node, path)?).trim().to_owned();
    (!found.is_empty()).then_some(found)
}

/// The line of an element, for messages.
pub(super) fn line(node: Node<'_, '_>) -> String {
    format!("line {}", node.document().text_pos_at(node.range().start).row)
}

/// A finite number in an element or one of its attributes.
pub(super) fn number(node: Node<'_, '_>, text: &str, place: Place<'_>) -> Result<f64, FormatError> {
    let parsed = text.trim().parse().ok().filter(|value: &f64| value.is_finite());
    parsed.ok_or_else(|| {
        place.damaged(line(node), format!("{} in {} is no number", excerpt(text), node.tag_name().name()))
    })
}

/// The number at the end of a path, if there is one.
pub(super) fn number_at(node: Node<'_, '_>, path: &[&str], place: Place<'_>) -> Result<Option<f64>, FormatError> {
    match (child(node, path), text_at(node, path)) {
        (Some(found), Some(text)) => number(found, &text, place).map(Some),
        _ => Ok(None),
    }
}

/// The numbers in an element, with space or commas between them, as `convert` makes samples of them.
pub(super) fn samples(
    node: Node<'_, '_>,
    convert: impl Fn(f64) -> f32,
    place: Place<'_>,
) -> Result<Vec<f32>, FormatError> {
    let text = text(node);
    let numbers = text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|number| !number.is_empty());
    numbers.map(|text| number(node, text, place).map(&convert)).collect()
}

/// The bytes that an element holds as Base64.
pub(super) fn base64(node: Node<'_, '_>, place: Place<'_>) -> Result<Vec<u8>, FormatError> {
    let characters: Vec<u8> = text(node).bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64
        .decode(&characters)
        .map_err(|error| place.damaged(line(node), format!("{} is not Base64: {error}", node.tag_name().name())))
}

/// Signed 16-bit numbers, the low byte first.
pub(super) fn little_endian(bytes: &[u8]) -> impl ExactSizeIterator<Item = i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
}

fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// The unit that an element states or, where the user states another one, that; microvolt where there is none.
pub(super) fn unit(
    node: Node<'_, '_>,
    symbol: Option<&str>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<Unit, FormatError> {
    let symbol = symbol.map(str::trim).filter(|symbol| !symbol.is_empty());
    match (options.unit, symbol) {
        (Some(unit), _) => Ok(unit),
        (None, Some(symbol)) => Unit::from_symbol(symbol).ok_or_else(|| {
            place.unsupported(line(node), format!("the unit {}", excerpt(symbol)), "state the unit of the samples")
        }),
        (None, None) => {
            let notice = Notice::UnitAssumed { assumed: "µV".to_owned() };
            if !notices.contains(&notice) {
                notices.push(notice);
            }
            Ok(Unit::Microvolt)
        }
    }
}

/// One signal of a document.
pub(super) struct Channel {
    pub label: String,
    /// In millivolt.
    pub samples: Vec<f32>,
}

/// Puts the signals of a document together; the person is left to the reader.
pub(super) fn recording(
    channels: Vec<Channel>,
    sampling_rate: Option<f64>,
    options: &ReadOptions,
    mut notices: Vec<Notice>,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    let Some(sampling_rate) = options.sampling_rate.or(sampling_rate) else {
        return Err(place.not_an_ecg("the sampling rate is not in it; state the sampling rate"));
    };
    let sampling_rate = place.sampling_rate(sampling_rate)?;
    let labels: Vec<&str> = channels.iter().map(|channel| channel.label.as_str()).collect();
    let (leads, said) = assign_leads(&labels, options, place)?;
    notices.extend(said);
    let longest = channels.iter().map(|channel| channel.samples.len()).max().unwrap_or(0);
    let (kept, said) = bounded(longest as u64, channels.len() as u64, sampling_rate);
    notices.extend(said);
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    let leads = leads.into_iter().zip(channels).filter_map(|(lead, mut channel)| {
        channel.samples.truncate(kept);
        Some(lead?.with(channel.samples))
    });
    Ok(Recording { leads: leads.collect(), sampling_rate, notices, ..Recording::default() })
}

/// Of several groups of signals the one with the most leads, the first of them; a notice says so.
pub(super) fn richest<T: Copy>(groups: &[T], labels: impl Fn(T) -> Vec<String>) -> Option<(T, Option<Notice>)> {
    let leads = |group| labels(group).iter().filter(|label| Assigned::from_label(label).is_some()).count();
    let (group, _) = groups.iter().rev().map(|&group| (group, leads(group))).max_by_key(|(_, leads)| *leads)?;
    let notice = (groups.len() > 1).then(|| {
        Notice::File(format!("the file has {} rhythm recordings; the one with the most leads was read", groups.len()))
    });
    Some((group, notice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place<'static> = Place { file: "x.xml", format: "test" };

    fn utf_16(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn documents_are_decoded_by_what_they_are() {
        let text = "<?xml version='1.0'?><name>Müller</name>";
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf_16(text, false),
            utf_16(text, true),
            [&b"\xff\xfe"[..], &utf_16(text, false)].concat(),
            [&b"\xfe\xff"[..], &utf_16(text, true)].concat(),
        ] {
            assert_eq!(decode(&bytes), text);
            assert_eq!(root_name(&bytes).as_deref(), Some("name"));
        }
        let latin = b"<?xml version=\"1.0\" encoding = 'ISO-8859-1' ?><n>M\xfcller</n>";
        assert!(decode(latin).ends_with("<n>Müller</n>"));
        assert_eq!(decode(b"<n>M\xfcller</n>"), "<n>Müller</n>");
        let mistaken = "<?xml version=\"1.0\" encoding=\"utf-16\"?><n>Müller</n>";
        assert_eq!(decode(mistaken.as_bytes()), mistaken);
    }

    #[test]
    fn the_root_is_found_behind_anything_that_may_stand_before_it() {
        for (text, expected) in [
            ("<a>", Some("a")),
            ("\n <p:a b='c'/>", Some("a")),
            ("<?xml?><!-- <b> --><!DOCTYPE a SYSTEM \"a.dtd\"><?b c?><a\n>", Some("a")),
            ("<!DOCTYPE a [ <!ELEMENT a (b)> ]> <a>", Some("a")),
            ("text", None),
            ("<!-- never closed <a>", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(root_name(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn hostile_documents_are_refused_at_once() {
        let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>".to_owned();
        let attributes: String = (0..100_000).map(|number| format!(" a{number}='='")).collect();
        let name_spaces: String =
            (0..50_000).map(|number| format!("<a xmlns:n{number}='{number}'>long text ")).collect();
        for (text, expected) in [
            (laughs, "declares entities"),
            ("<a>".repeat(1_000_000), "more tags and attributes than content"),
            ("<".repeat(1_000_000), "more tags and attributes than content"),
            ("=".repeat(1_000_000), "more tags and attributes than content"),
            // Of a size that the bound of each alone would let through.
            (format!("<a>{}</a>", "<a b=\"c\"/>      ".repeat(120_000)), "more tags and attributes than content"),
            (format!("<a>{}</a>", "<a/>b".repeat(19_000)), "more tags and attributes than content"),
            (format!("<a{attributes}{}/>", " ".repeat(3_000_000)), "very many attributes"),
            (name_spaces, "very many name spaces"),
        ] {
            let start = std::time::Instant::now();
            let error = parse(&text, PLACE).unwrap_err();
            assert_eq!(error.code(), "not-an-ecg");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(start.elapsed().as_secs_f64() < 1.0, "{expected}");
        }
        // As deep as is let through.
        let deep = format!("{}{}", "<a>".repeat(2_500), "</a>".repeat(2_500));
        assert!(parse(&deep, PLACE).is_ok());
    }

    #[test]
    fn zeros_after_the_end_are_ignored() {
        for text in ["<a/>\0\0\0", "\n<a></a>\r\n\x1a"] {
            assert!(parse(text, PLACE).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn errors_say_the_line() {
        for (text, expected) in [
            ("<a>\n<b>\n</c></a>", "damaged at line 3"),
            ("<a>\n<b>", "damaged at its end: the document ends before"),
            ("<a>&b;</a>", "damaged at line 1"),
        ] {
            let error = parse(text, PLACE).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let document = parse("<a>\n<b>1 2 x3</b><c>!</c></a>", PLACE).unwrap();
        let b = child(document.root_element(), &["b"]).unwrap();
        let error = samples(b, |value| value as f32, PLACE).unwrap_err();
        assert!(error.to_string().contains("damaged at line 2: \"x3\" in b is no number"), "{error}");
        let error = base64(descendant(document.root(), "c").unwrap(), PLACE).unwrap_err();
        assert!(error.to_string().contains("c is not Base64"), "{error}");
    }

    #[test]
    fn text_goes_on_after_comments() {
        let document = parse("<a> 1,2 <!-- three --> 3<![CDATA[4]]></a>", PLACE).unwrap();
        assert_eq!(samples(document.root_element(), |value| value as f32, PLACE).unwrap(), [1.0, 2.0, 34.0]);
        assert_eq!(text_at(document.root(), &["a"]).as_deref(), Some("1,2  34"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), tags in "[<>a='\"!/& \\[\\]-]{0,60}") {
            let _ = root_name(&bytes);
            let _ = parse(&decode(&bytes), PLACE);
            let _ = root_name(tags.as_bytes());
            let _ = parse(&tags, PLACE);
        }
    }
}
