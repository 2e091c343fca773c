//! Says in words what a file of no known format looks like.

/// What is no text and of no kind that is known.
pub(super) const UNKNOWN_BINARY: &str = "binary data of an unknown kind";

/// What the content looks like, with an article: `a PDF document`, `a PNG image`, `a text file`.
pub(super) fn looks_like(bytes: &[u8]) -> String {
    if let Some(known) = known_text(bytes) {
        return known.to_owned();
    }
    let Some(kind) = infer::get(bytes) else {
        return if is_binary(bytes) { UNKNOWN_BINARY } else { "a text file" }.to_owned();
    };
    let name = kind.extension().to_ascii_uppercase();
    let sort = match kind.matcher_type() {
        infer::MatcherType::Image => "image",
        infer::MatcherType::Video => "video",
        infer::MatcherType::Audio => "sound file",
        infer::MatcherType::Archive if name != "PDF" => "archive",
        infer::MatcherType::Doc | infer::MatcherType::Book | infer::MatcherType::Archive => "document",
        _ => "file",
    };
    let spoken_with_a_vowel = name.starts_with(['A', 'E', 'F', 'H', 'I', 'M', 'O', 'R', 'S', 'X']);
    format!("{} {name} {sort}", if spoken_with_a_vowel { "an" } else { "a" })
}

/// Whether the content is no text.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    text_start(bytes).is_none()
}

/// What to do with a file that looks like this.
pub(super) fn advice(looks_like: &str, readable: &str) -> String {
    let ends = |words: &[&str]| words.iter().any(|word| looks_like.ends_with(word));
    if ends(&["image", "PDF document"]) {
        return format!("A picture or printout of an ECG has no samples; export the recording itself as {readable}.");
    }
    if ends(&["archive"]) {
        return format!("Unpack it first; what is inside must be {readable}.");
    }
    format!("Export the recording as {readable}.")
}

/// Documents that are text.
fn known_text(bytes: &[u8]) -> Option<&'static str> {
    let text = text_start(bytes)?;
    match text.as_str() {
        text if text.starts_with("<!doctype html") || text.starts_with("<html") => Some("a web page (HTML)"),
        text if text.starts_with('<') => Some("an XML document of another kind"),
        text if text.starts_with(['{', '[']) => Some("a JSON document"),
        _ => None,
    }
}

/// The beginning as lower-case text, where the bytes are text.
fn text_start(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(512)];
    let control = start.iter().any(|&byte| byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r' | 12));
    (!control).then(|| String::from_utf8_lossy(start).trim_start().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_people_drop_by_mistake() {
        for (bytes, expected) in [
            (&b"%PDF-1.7\n"[..], "a PDF document"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
            (b"\xff\xd8\xff\xe0", "a JPG image"),
            (b"PK\x03\x04\x14\0\0\0\0\0", "a ZIP archive"),
            (b"  <!DOCTYPE html><html>", "a web page (HTML)"),
            (b"<svg xmlns='a'></svg>", "an XML document of another kind"),
            (b"{\"age\": 5}", "a JSON document"),
            (b"Dear colleague,\nplease find", "a text file"),
            (b"\x00\x01\x02\x03", "binary data of an unknown kind"),
        ] {
            assert_eq!(looks_like(bytes), expected);
        }
        assert!(advice("a PDF document", "WFDB").contains("has no samples"));
        assert!(advice("a ZIP archive", "WFDB").contains("Unpack"));
    }
}
