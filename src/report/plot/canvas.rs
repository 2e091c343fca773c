//! What all plots share: colours, type, scales, axes and legends, written as SVG.
//!
//! Text is placed by anchor, never by measured width, so that no font is needed to draw a plot.

use maud::{Markup, Render, html};

pub use crate::report::words::{count, number, range};

/// Colours that stay apart for all kinds of colour vision (Okabe and Ito 2008), without those too light for lines.
const SERIES_COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#b07d00", "#444444"];
/// Dash patterns, so that the series stay apart in black-and-white print too.
const SERIES_DASHES: [&str; 6] = ["none", "9 4", "2.5 3", "11 3 2.5 3", "5 3", "1 3"];

/// Titles and values.
pub const INK: &str = "#17212b";
/// Axis labels and remarks.
pub const MUTED: &str = "#56636f";
/// Grid lines.
pub const GRID: &str = "#e4e9ed";
/// Axis lines and references such as the diagonal.
pub const REFERENCE: &str = "#8a959f";
/// Marks a mean or a fitted line on top of points.
pub const EMPHASIS: &str = "#c03a00";

/// Width of every plot, in SVG units; small, so that text stays readable on a phone.
pub const WIDTH: f64 = 480.0;
/// Height that title and remark take.
pub const HEADER: f64 = 62.0;

const FONT: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// Colour and dash pattern of series number `index`.
pub fn series(index: usize) -> (&'static str, &'static str) {
    (SERIES_COLOURS[index % SERIES_COLOURS.len()], SERIES_DASHES[index % SERIES_DASHES.len()])
}

/// A coordinate or length, written to a tenth of a unit.
#[derive(Clone, Copy)]
pub struct Px(pub f64);

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        let tenths = (self.0 * 10.0).round() as i64;
        (tenths as f64 / 10.0).to_string().render_to(buffer);
    }
}

/// Decades of a logarithmic scale that are all marked.
const MOST_DECADES: usize = 6;

/// Maps values onto a stretch of the drawing.
#[derive(Clone, Copy)]
pub struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
    logarithmic: bool,
}

impl Scale {
    pub fn linear(domain: (f64, f64), range: (f64, f64)) -> Scale {
        Scale { domain, range, logarithmic: false }
    }

    /// A decimal logarithmic scale; the domain must be above 0.
    pub fn logarithmic(domain: (f64, f64), range: (f64, f64)) -> Scale {
        Scale { domain, range, logarithmic: true }
    }

    /// Where a value lies in the drawing.
    pub fn at(&self, value: f64) -> f64 {
        let place = |value: f64| if self.logarithmic { value.log10() } else { value };
        let (from, to) = (place(self.domain.0), place(self.domain.1));
        let share = if to > from { (place(value) - from) / (to - from) } else { 0.5 };
        self.range.0 + share * (self.range.1 - self.range.0)
    }

    /// Ticks within the domain with their labels; none where an end of it is not finite.
    pub fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        let (from, to) = self.domain;
        if !(from.is_finite() && to.is_finite()) {
            return Vec::new();
        }
        if self.logarithmic { self.logarithmic_ticks() } else { self.linear_ticks(about) }
    }

    fn linear_ticks(&self, about: usize) -> Vec<(f64, String)> {
        let (from, to) = self.domain;
        let step = nice_step((to - from) / about.max(1) as f64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let (first, last) = ((from / step - 1e-9).ceil() as i64, (to / step + 1e-9).floor() as i64);
        (first..=last).map(|i| i as f64 * step).map(|value| (value, number(value, decimals))).collect()
    }

    fn logarithmic_ticks(&self) -> Vec<(f64, String)> {
        let (from, to) = self.domain;
        let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        // Over many decades only every few has a tick.
        let step = (last - first) as usize / MOST_DECADES + 1;
        let digits: &[f64] = if step == 1 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let all = (first..=last).step_by(step).flat_map(|power| {
            digits.iter().map(move |digit| {
                let value = digit * 10_f64.powi(power);
                let is_far = power.unsigned_abs() as usize >= MOST_DECADES;
                (value, if is_far { format!("{digit}e{power}") } else { number(value, (-power).max(0) as usize) })
            })
        });
        all.filter(|(value, _)| (from..=to).contains(value)).collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `step`.
pub fn nice_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    digit * power
}

/// A rectangle of the drawing with a scale along each side.
pub struct Panel {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub x: Scale,
    pub y: Scale,
}

/// Edges of a panel: left, top, right, bottom.
#[derive(Clone, Copy)]
pub struct Edges(pub f64, pub f64, pub f64, pub f64);

impl Edges {
    /// A panel with linear scales over these edges; y grows upwards.
    pub fn panel(self, x: (f64, f64), y: (f64, f64)) -> Panel {
        let Edges(left, top, right, bottom) = self;
        Panel { left, top, right, bottom, x: Scale::linear(x, (left, right)), y: Scale::linear(y, (bottom, top)) }
    }
}

impl Panel {
    /// Where a pair of values lies.
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    pub fn middle(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Grid lines and labels along y, about `about` of them.
    pub fn y_ticks(&self, about: usize) -> Markup {
        html! {
            @for (value, label) in self.y.ticks(about) {
                (line((self.left, self.y.at(value)), (self.right, self.y.at(value)), GRID, 1.0, "none"))
                (text((self.left - 7.0, self.y.at(value) + 4.0), "end", 12.0, MUTED, &label))
            }
        }
    }

    /// Grid lines and labels along x, about `about` of them.
    pub fn x_ticks(&self, about: usize) -> Markup {
        html! {
            @for (value, label) in self.x.ticks(about) {
                (line((self.x.at(value), self.top), (self.x.at(value), self.bottom), GRID, 1.0, "none"))
                (self.x_tick_label(self.x.at(value), &label))
            }
        }
    }

    /// A label below the panel.
    pub fn x_tick_label(&self, x: f64, label: &str) -> Markup {
        text((x, self.bottom + 17.0), "middle", 12.0, MUTED, label)
    }

    /// The line along the bottom and the names of both axes; `below` is the distance of the lower name.
    pub fn axes(&self, x_name: &str, y_name: &str, below: f64) -> Markup {
        let (x, y) = self.middle();
        let turned = format!("rotate(-90 {} {y:.1})", 17);
        html! {
            (line((self.left, self.bottom), (self.right, self.bottom), REFERENCE, 1.0, "none"))
            (text((x, self.bottom + below), "middle", 13.0, INK, x_name))
            text x="17" y=(Px(y)) transform=(turned) text-anchor="middle" font-size="13" fill=(INK) { (y_name) }
        }
    }

    /// A horizontal line across the panel.
    pub fn across(&self, y: f64, colour: &str, dash: &str) -> Markup {
        line((self.left, self.y.at(y)), (self.right, self.y.at(y)), colour, 1.25, dash)
    }

    /// A vertical line through the panel.
    pub fn upright(&self, x: f64, colour: &str, dash: &str) -> Markup {
        line((self.x.at(x), self.top), (self.x.at(x), self.bottom), colour, 1.25, dash)
    }

    /// A line through pairs of values.
    pub fn polyline(&self, values: impl Iterator<Item = (f64, f64)>, (colour, dash): (&str, &str)) -> Markup {
        let mut path = String::new();
        for (number, (x, y)) in values.enumerate() {
            path.push(if number == 0 { 'M' } else { 'L' });
            Px(self.x.at(x)).render_to(&mut path);
            path.push(' ');
            Px(self.y.at(y)).render_to(&mut path);
        }
        html! {
            path d=(path) fill="none" stroke=(colour) stroke-width="2" stroke-dasharray=(dash)
                stroke-linejoin="round" {}
        }
    }
}

/// A straight line.
pub fn line(from: (f64, f64), to: (f64, f64), colour: &str, width: f64, dash: &str) -> Markup {
    html! {
        line x1=(Px(from.0)) y1=(Px(from.1)) x2=(Px(to.0)) y2=(Px(to.1)) stroke=(colour) stroke-width=(width)
            stroke-dasharray=(dash) {}
    }
}

/// A line of text.
pub fn text(at: (f64, f64), anchor: &str, size: f64, colour: &str, words: &str) -> Markup {
    html! { text x=(Px(at.0)) y=(Px(at.1)) text-anchor=(anchor) font-size=(size) fill=(colour) { (words) } }
}

/// A line of text on a white halo, readable on top of points and lines. The halo is a text of its own because not every
/// viewer knows `paint-order`.
pub fn annotation(at: (f64, f64), anchor: &str, words: &str) -> Markup {
    html! {
        g stroke="#ffffff" stroke-width="4" stroke-linejoin="round" { (text(at, anchor, 12.5, "#ffffff", words)) }
        (text(at, anchor, 12.5, INK, words))
    }
}

/// A dot.
pub fn dot(at: (f64, f64), radius: f64) -> Markup {
    html! { circle cx=(Px(at.0)) cy=(Px(at.1)) r=(radius) {} }
}

/// A filled rectangle between two corners in any order.
pub fn block(a: (f64, f64), b: (f64, f64), fill: &str) -> Markup {
    html! {
        rect x=(Px(a.0.min(b.0))) y=(Px(a.1.min(b.1))) width=(Px((a.0 - b.0).abs())) height=(Px((a.1 - b.1).abs()))
            fill=(fill) {}
    }
}

/// One line of a legend.
pub struct LegendEntry<'a> {
    /// Colour and dash pattern of the line.
    pub style: (&'static str, &'static str),
    pub name: &'a str,
    /// A figure at the right edge; may be empty.
    pub figure: String,
}

/// Height of a line of a legend.
const LEGEND_ROW: f64 = 20.0;

/// Lines with their names and figures in a box whose lower right corner is given.
pub fn legend((right, bottom): (f64, f64), entries: &[LegendEntry]) -> Markup {
    let characters = |text: &str| text.chars().count();
    let longest = entries.iter().map(|entry| characters(entry.name) + characters(&entry.figure)).max().unwrap_or(0);
    // 7 units are a generous average for a character of this size; 16 separate name and figure.
    let width = 56.0 + 7.0 * longest as f64 + if entries.iter().any(|e| !e.figure.is_empty()) { 16.0 } else { 0.0 };
    let height = entries.len() as f64 * LEGEND_ROW + 10.0;
    let (left, top) = (right - width, bottom - height);
    html! {
        rect x=(Px(left)) y=(Px(top)) width=(Px(width)) height=(Px(height)) rx="5" fill="#ffffff" fill-opacity="0.9"
            stroke=(GRID) {}
        @for (row, entry) in entries.iter().enumerate() {
            @let y = top + 15.0 + row as f64 * LEGEND_ROW;
            (line((left + 10.0, y), (left + 40.0, y), entry.style.0, 2.0, entry.style.1))
            (text((left + 48.0, y + 4.0), "start", 12.5, INK, entry.name))
            @if !entry.figure.is_empty() { (text((right - 9.0, y + 4.0), "end", 12.5, INK, &entry.figure)) }
        }
    }
}

/// The whole drawing: white paper, title, remark, and what is drawn.
pub fn drawing(height: f64, title: &str, remark: &str, content: &Markup) -> String {
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (Px(height)) } width=(WIDTH)
            height=(Px(height)) font-family=(FONT) role="img" aria-label=(title) {
            rect width=(WIDTH) height=(Px(height)) fill="#ffffff" {}
            text x="16" y="28" font-size="16" font-weight="600" fill=(INK) { (title) }
            (text((16.0, 47.0), "start", 12.5, MUTED, remark))
            (content)
        }
    };
    markup.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_domain() {
        let labels = |domain, about| -> Vec<String> {
            Scale::linear(domain, (0.0, 1.0)).ticks(about).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels((0.0, 100.0), 5), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels((-12.0, 12.0), 5), ["\u{2212}10", "\u{2212}5", "0", "5", "10"]);
        assert_eq!(labels((0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels((0.8, 0.95), 3), ["0.80", "0.85", "0.90", "0.95"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_and_their_parts() {
        let scale = Scale::logarithmic((0.009, 0.3), (0.0, 1.0));
        let labels: Vec<String> = scale.ticks(5).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.01", "0.02", "0.05", "0.1", "0.2"]);
    }

    #[test]
    fn any_domain_has_few_ticks() {
        for (from, to) in [(1e-300, 1e300), (f64::MIN_POSITIVE, f64::INFINITY), (0.5, f64::MAX), (f64::NAN, 1.0)] {
            for scale in [Scale::logarithmic, Scale::linear] {
                assert!(scale((from, to), (0.0, 1.0)).ticks(5).len() <= 20, "{from} to {to}");
            }
        }
        let labels = Scale::logarithmic((0.5, 1e38), (0.0, 1.0)).ticks(5);
        let labels: Vec<&str> = labels.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["1e6", "1e13", "1e20", "1e27", "1e34"]);
    }

    #[test]
    fn constant_domain_is_drawn_in_the_middle() {
        assert_eq!(Scale::linear((4.0, 4.0), (0.0, 10.0)).at(4.0), 5.0);
    }
}
