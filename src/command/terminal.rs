//! What fits a terminal.

use terminal_size::{Width, terminal_size_of};

/// The number of columns where standard output is a terminal.
pub fn width() -> Option<usize> {
    terminal_size_of(std::io::stdout()).map(|(Width(columns), _)| columns.into())
}

/// A text in lines of at most `width` characters, parted at blanks; longer words stay whole.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count().saturating_add(1 + word.chars().count()) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A name of at most `width` characters: of a longer one the middle is left out.
pub fn shortened(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width || width < 3 {
        return name.to_owned();
    }
    let end = width / 2;
    let start = width - 1 - end;
    let start: String = name.chars().take(start).collect();
    let end: String = name.chars().skip(count - end).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_beginning_and_end() {
        assert_eq!(shortened("recordings/17.scp", 11), "recor…7.scp");
        assert_eq!(shortened("17.scp", 6), "17.scp");
        assert_eq!(shortened("\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", 4), "\u{e4}…\u{e4}\u{e4}");
    }

    #[test]
    fn texts_are_parted_at_blanks() {
        assert_eq!(wrapped("a bc def ghij", 6), ["a bc", "def", "ghij"]);
        assert_eq!(wrapped("abcdefgh a", 4), ["abcdefgh", "a"]);
        assert_eq!(wrapped("one two", usize::MAX), ["one two"]);
    }
}
