//! What fits a terminal.

use std::io::IsTerminal;

/// The number of columns where standard output is a terminal.
pub fn width() -> Option<usize> {
    std::io::stdout().is_terminal().then(|| {
        // The parser of the command line asks the terminal for its width, and wraps to it.
        let mut ruler = clap::Command::new("").help_template("{about}").max_term_width(0).about("- ".repeat(1000));
        let widest = ruler.render_help().to_string().lines().map(|line| line.chars().count()).max();
        widest.map_or(80, |widest| widest + 1)
    })
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
