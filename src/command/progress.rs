//! Progress bars with the time left, on standard error and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `length` things; `what` says what is done to them.
pub fn bar(length: usize, what: impl Into<String>) -> ProgressBar {
    const TEMPLATE: &str = "{prefix} {wide_bar} {pos}/{len}, {eta} left {msg}";
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style).with_prefix(what.into())
}

/// A number of seconds for a person: `48 s`, `12 min`, `3.5 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 99.5 => format!("{seconds:.0} s"),
        seconds if seconds < 99.5 * 60.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_a_fitting_unit() {
        assert_eq!([0.2, 99.4, 99.6, 5900.0, 7200.0].map(duration), ["0 s", "99 s", "2 min", "98 min", "2.0 h"]);
    }
}
