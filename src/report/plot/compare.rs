//! One figure of several networks, with intervals.

use maud::html;

use super::Series;
use super::canvas::*;
use crate::report::metrics::Measure;

/// One line of [`comparison`].
pub struct ComparisonRow<'a> {
    /// The network.
    pub series: Series<'a>,
    /// Its figure.
    pub measure: Measure,
    /// The figure in words, with its interval.
    pub words: String,
}

/// A dot with its 95 % interval for each network.
pub fn comparison(title: &str, remark: &str, axis: &str, rows: &[ComparisonRow]) -> Option<String> {
    const ROW: f64 = 46.0;
    let ends = rows.iter().flat_map(|row| [row.measure.low, row.measure.value, row.measure.high]).flatten();
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    let room = ((high - low) * 0.08).max(high.abs() * 1e-3).max(1e-6);
    let bottom = HEADER + ROW * rows.len() as f64 + 4.0;
    let panel = Edges(26.0, HEADER, 454.0, bottom).panel((low - room, high + room), (0.0, 1.0));
    let content = html! {
        (panel.x_ticks(6))
        @for (number, row) in rows.iter().enumerate() {
            @let top = HEADER + ROW * number as f64;
            @let y = top + 32.0;
            @let (colour, _) = series(row.series.index);
            (annotation((panel.left, top + 18.0), "start", row.series.name))
            (annotation((panel.right, top + 18.0), "end", &row.words))
            @if let (Some(low), Some(high)) = (row.measure.low, row.measure.high) {
                @let (from, to) = (panel.x.at(low), panel.x.at(high));
                (line((from, y), (to, y), colour, 2.2, "none"))
                (line((from, y - 4.0), (from, y + 4.0), colour, 2.2, "none"))
                (line((to, y - 4.0), (to, y + 4.0), colour, 2.2, "none"))
            }
            @if let Some(value) = row.measure.value {
                g fill=(colour) stroke="#ffffff" stroke-width="1.2" { (dot((panel.x.at(value), y), 5.5)) }
            }
        }
        (panel.axes(axis, "", 38.0))
    };
    Some(drawing(bottom + 50.0, title, remark, &content))
}
