//! Plots of the estimated sex.

use maud::html;

use super::Series;
use super::canvas::*;
use crate::report::metrics::{CalibrationBin, Confusion, Measure, RocPoint};

/// One line of [`roc_curves`].
pub struct RocCurve<'a> {
    /// The network.
    pub series: Series<'a>,
    /// From (0, 0) to (1, 1).
    pub points: &'a [RocPoint],
    /// Area under the curve.
    pub auc: Measure,
}

/// The ROC curves of all networks in one plot, with the diagonal of chance.
pub fn roc_curves(curves: &[RocCurve]) -> Option<String> {
    let drawn: Vec<&RocCurve> = curves.iter().filter(|curve| !curve.points.is_empty()).collect();
    if drawn.is_empty() {
        return None;
    }
    let panel = Edges(62.0, HEADER, 462.0, HEADER + 400.0).panel((0.0, 1.0), (0.0, 1.0));
    let mut entries: Vec<_> = drawn
        .iter()
        .map(|curve| {
            let figure = curve.auc.value.map(|auc| format!("{auc:.3}")).unwrap_or_default();
            LegendEntry { style: series(curve.series.index), name: curve.series.name, figure }
        })
        .collect();
    entries.push(LegendEntry { style: (REFERENCE, "5 4"), name: "chance", figure: "0.500".to_owned() });
    let content = html! {
        (panel.x_ticks(5)) (panel.y_ticks(5))
        (line(panel.point(0.0, 0.0), panel.point(1.0, 1.0), REFERENCE, 1.5, "5 4"))
        @for curve in &drawn {
            @let points = curve.points.iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
            (panel.polyline(points, series(curve.series.index)))
        }
        (legend((panel.right - 8.0, panel.bottom - 8.0), &entries))
        (panel.axes("men estimated as female (1 − specificity)", "women estimated as female (sensitivity)", 38.0))
    };
    Some(drawing(HEADER + 450.0, "Receiver operating characteristic", "with the area under each curve", &content))
}

/// Counts and row percentages by stated and estimated sex; the fuller a row's share, the darker its cell.
pub fn confusion_matrix(series: Series, confusion: &Confusion) -> Option<String> {
    const NAMES: [&str; 2] = ["male", "female"];
    let stated = confusion.stated();
    let total: usize = stated.iter().sum();
    if total == 0 {
        return None;
    }
    const CELL: (f64, f64) = (176.0, 118.0);
    let (left, top) = (104.0, HEADER + 12.0);
    let content = html! {
        @for (row, counts) in confusion.matrix().iter().enumerate() {
            @let y = top + row as f64 * CELL.1;
            (text((left - 12.0, y + CELL.1 / 2.0), "end", 13.5, INK, NAMES[row]))
            (text((left - 12.0, y + CELL.1 / 2.0 + 17.0), "end", 11.5, MUTED, &count(stated[row])))
            @for (column, &n) in counts.iter().enumerate() {
                @let x = left + column as f64 * CELL.0;
                @let share = n as f64 / stated[row].max(1) as f64;
                @let ink = if share > 0.5 { "#ffffff" } else { INK };
                @let percent = if stated[row] > 0 { format!("{:.1} %", 100.0 * share) } else { "n/a".to_owned() };
                (block((x + 1.5, y + 1.5), (x + CELL.0 - 1.5, y + CELL.1 - 1.5), &blue(share)))
                (text((x + CELL.0 / 2.0, y + CELL.1 / 2.0 + 1.0), "middle", 24.0, ink, &count(n)))
                (text((x + CELL.0 / 2.0, y + CELL.1 / 2.0 + 23.0), "middle", 13.0, ink, &percent))
            }
        }
        @for (column, name) in NAMES.iter().enumerate() {
            @let x = left + (column as f64 + 0.5) * CELL.0;
            (text((x, top + 2.0 * CELL.1 + 20.0), "middle", 13.5, INK, name))
        }
        (text((left + CELL.0, top + 2.0 * CELL.1 + 42.0), "middle", 13.0, INK, "estimated sex"))
        @let middle = top + CELL.1;
        text x="20" y=(Px(middle)) transform={ "rotate(-90 20 " (Px(middle)) ")" } text-anchor="middle"
            font-size="13" fill=(INK) { "stated sex" }
    };
    let remark = format!("{} · {} ECGs · per cent of the row", series.name, count(total));
    Some(drawing(top + 2.0 * CELL.1 + 58.0, "Confusion matrix", &remark, &content))
}

/// A blue between almost white (0) and dark (1); lightness falls evenly.
fn blue(share: f64) -> String {
    let mix = |light: f64, dark: f64| (light + (dark - light) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(240.0, 8.0), mix(245.0, 81.0), mix(250.0, 140.0))
}

/// Share of women against estimated probability, above the distribution of the probabilities.
pub fn reliability(series: Series, bins: &[CalibrationBin], calibration_error: Measure) -> Option<String> {
    let most = bins.iter().map(|bin| bin.n).max().filter(|&n| n > 0)? as f64;
    let main = Edges(62.0, HEADER, 462.0, HEADER + 300.0).panel((0.0, 1.0), (0.0, 1.0));
    let below = Edges(62.0, main.bottom + 16.0, 462.0, main.bottom + 86.0).panel((0.0, 1.0), (0.0, most * 1.05));
    let (colour, _) = self::series(series.index);
    let drawn = || {
        bins.iter().filter_map(|bin| {
            let at = main.point(bin.mean_probability?, bin.share_female.value?);
            Some((at, main.y.at(bin.share_female.low?), main.y.at(bin.share_female.high?)))
        })
    };
    let values = bins.iter().filter_map(|bin| Some((bin.mean_probability?, bin.share_female.value?)));
    let content = html! {
        (main.y_ticks(5))
        @for (value, _) in main.x.ticks(5) { (main.upright(value, GRID, "none")) }
        (line(main.point(0.0, 0.0), main.point(1.0, 1.0), REFERENCE, 1.5, "5 4"))
        @for (at, low, high) in drawn() { (line((at.0, low), (at.0, high), colour, 1.4, "none")) }
        (main.polyline(values, (colour, "none")))
        g fill=(colour) stroke="#ffffff" stroke-width="1.2" { @for (at, ..) in drawn() { (dot(at, 4.6)) } }
        @if let Some(error) = calibration_error.value {
            (annotation((main.left + 12.0, main.top + 22.0), "start", &format!("calibration error {error:.3}")))
        }
        (below.y_ticks(2))
        g fill-opacity="0.6" {
            @for bin in bins {
                @let (from, to) = (below.point(bin.from, bin.n as f64), below.point(bin.to, 0.0));
                (block((from.0 + 1.0, from.1), (to.0 - 1.0, to.1), colour))
            }
        }
        @for (value, label) in below.x.ticks(5) { (below.x_tick_label(below.x.at(value), &label)) }
        @let y = main.middle().1;
        text x="17" y=(Px(y)) transform={ "rotate(-90 17 " (Px(y)) ")" } text-anchor="middle" font-size="13"
            fill=(INK) { "share of women" }
        (below.axes("estimated probability of female", "ECGs", 38.0))
    };
    let remark = format!("{} · ten equal bins, 95 % intervals", series.name);
    Some(drawing(below.bottom + 52.0, "Calibration", &remark, &content))
}
