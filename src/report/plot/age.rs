//! Plots of the estimated age.

use maud::{Markup, html};

use super::Series;
use super::canvas::*;
use crate::report::decade;
use crate::report::metrics::{AgeCase, AgeFigures, quantile};

/// More points than this would make a heavy page and a black blot; a regular choice of them is drawn instead.
const MOST_POINTS: usize = 5000;

/// Points every so many cases, and what to say about it.
fn thinned(cases: &[AgeCase]) -> (impl Iterator<Item = &AgeCase>, String) {
    let every = cases.len().div_ceil(MOST_POINTS).max(1);
    let remark = match every {
        1 => format!("{} ECGs", count(cases.len())),
        _ => format!("{} of {} ECGs drawn", count(cases.len().div_ceil(every)), count(cases.len())),
    };
    (cases.iter().step_by(every), remark)
}

/// The more points, the more translucent each.
fn opacity(points: usize) -> f64 {
    ((250.0 / points.max(1) as f64).sqrt().clamp(0.16, 0.65) * 100.0).round() / 100.0
}

/// Round limits around some values.
fn limits(values: impl Iterator<Item = f64> + Clone, about: f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let step = nice_step((high - low) / about);
    let limits = ((low / step).floor() * step, (high / step).ceil() * step);
    if limits.0 < limits.1 { limits } else { (limits.0 - step, limits.1 + step) }
}

/// Predicted against chronological age with the identity and the least-squares line.
pub fn age_scatter(series: Series, cases: &[AgeCase], figures: &AgeFigures) -> Option<String> {
    if cases.is_empty() {
        return None;
    }
    let domain = limits(cases.iter().flat_map(|case| [case.age, case.predicted]), 10.0);
    let panel = Edges(62.0, HEADER, 462.0, HEADER + 400.0).panel(domain, domain);
    let (points, remark) = thinned(cases);
    let (colour, _) = self::series(series.index);
    let fit = |age: f64| Some(figures.slope.value? * age + figures.intercept.value?);
    let (youngest, oldest) = cases
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), case| (case.age.min(low), case.age.max(high)));
    let entry = |style, name| LegendEntry { style, name, figure: String::new() };
    let mut entries = vec![entry((REFERENCE, "5 4"), "no error")];
    entries.extend(fit(0.0).map(|_| entry((EMPHASIS, "none"), "linear fit")));
    let content = html! {
        (panel.x_ticks(6)) (panel.y_ticks(6))
        (line(panel.point(domain.0, domain.0), panel.point(domain.1, domain.1), REFERENCE, 1.5, "5 4"))
        g fill=(colour) fill-opacity=(opacity(cases.len().min(MOST_POINTS))) {
            @for case in points { (dot(panel.point(case.age, case.predicted), 2.6)) }
        }
        @if let (Some(from), Some(to)) = (fit(youngest), fit(oldest)) {
            (line(panel.point(youngest, from), panel.point(oldest, to), EMPHASIS, 2.0, "none"))
        }
        @for (row, words) in scatter_figures(figures).iter().enumerate() {
            (annotation((panel.left + 12.0, panel.top + 22.0 + 18.0 * row as f64), "start", words))
        }
        (legend((panel.right - 8.0, panel.bottom - 8.0), &entries))
        (panel.axes("chronological age (years)", "predicted age (years)", 38.0))
    };
    let remark = format!("{} · {remark}", series.name);
    Some(drawing(HEADER + 450.0, "Predicted and chronological age", &remark, &content))
}

fn scatter_figures(figures: &AgeFigures) -> Vec<String> {
    let mae = figures.mae.value.map(|mae| format!("MAE {mae:.2} years"));
    let r = figures.pearson_r.value.map(|r| format!("r = {}", number(r, 3)));
    let r2 = figures.r2.value.map(|r2| format!("R² = {}", number(r2, 3)));
    [mae, r, r2].into_iter().flatten().collect()
}

/// Box plots (Tukey) of predicted minus chronological age, one for each decade of age.
pub fn age_errors_by_decade(series: Series, cases: &[AgeCase]) -> Option<String> {
    if cases.is_empty() {
        return None;
    }
    let mut errors: Vec<Vec<f64>> = vec![Vec::new(); decade::COUNT];
    for case in cases {
        errors[decade::of(case.age)].push(case.error());
    }
    let first = errors.iter().position(|errors| !errors.is_empty())?;
    let last = errors.iter().rposition(|errors| !errors.is_empty())?;
    for errors in &mut errors {
        errors.sort_by(f64::total_cmp);
    }
    let domain = limits(cases.iter().map(AgeCase::error), 8.0);
    let panel = Edges(62.0, HEADER, 462.0, HEADER + 270.0).panel((first as f64 - 0.5, last as f64 + 0.5), domain);
    let (colour, _) = self::series(series.index);
    let content = html! {
        (panel.y_ticks(7))
        (panel.across(0.0, REFERENCE, "5 4"))
        @for (number, errors) in errors.iter().enumerate().take(last + 1).skip(first) {
            (box_plot(&panel, number as f64, errors, colour))
            @let x = panel.x.at(number as f64);
            (panel.x_tick_label(x, &range(&decade::label(number))))
            (text((x, panel.bottom + 32.0), "middle", 10.5, MUTED, &count(errors.len())))
        }
        (panel.axes("chronological age (years), with number of ECGs", "error (years)", 54.0))
    };
    let remark = format!("{} · predicted minus chronological age", series.name);
    Some(drawing(HEADER + 336.0, "Error by decade of age", &remark, &content))
}

/// Quartiles as a box, the furthest values within 1.5 box lengths as whiskers, all others as dots.
fn box_plot(panel: &Panel, centre: f64, sorted: &[f64], colour: &str) -> Markup {
    const FEWEST: usize = 5;
    let x = panel.x.at(centre);
    let half = ((panel.x.at(1.0) - panel.x.at(0.0)) * 0.3).min(26.0);
    let y = |value: f64| panel.y.at(value);
    let quartiles = [0.25, 0.5, 0.75].map(|q| quantile(sorted, q));
    let ([Some(lower), Some(median), Some(upper)], true) = (quartiles, sorted.len() >= FEWEST) else {
        return html! { g fill=(colour) fill-opacity="0.6" { @for &value in sorted { (dot((x, y(value)), 2.6)) } } };
    };
    let reach = 1.5 * (upper - lower);
    let within = |value: &f64| (lower - reach..=upper + reach).contains(value);
    let low = sorted.iter().copied().find(within).unwrap_or(lower);
    let high = sorted.iter().rev().copied().find(within).unwrap_or(upper);
    html! {
        g fill=(colour) fill-opacity="0.35" {
            @for &value in sorted.iter().filter(|value| !within(value)) { (dot((x, y(value)), 1.8)) }
        }
        (line((x, y(low)), (x, y(lower)), colour, 1.4, "none"))
        (line((x, y(upper)), (x, y(high)), colour, 1.4, "none"))
        (line((x - half * 0.45, y(low)), (x + half * 0.45, y(low)), colour, 1.4, "none"))
        (line((x - half * 0.45, y(high)), (x + half * 0.45, y(high)), colour, 1.4, "none"))
        (block((x - half, y(upper)), (x + half, y(lower)), "#ffffff"))
        rect x=(Px(x - half)) y=(Px(y(upper))) width=(Px(2.0 * half)) height=(Px(y(lower) - y(upper))) rx="2"
            fill=(colour) fill-opacity="0.22" stroke=(colour) stroke-width="1.4" {}
        (line((x - half, y(median)), (x + half, y(median)), colour, 2.6, "none"))
    }
}

/// The width of a bar of the histogram of errors.
const BIN_YEARS: f64 = 2.0;
const MOST_BINS: f64 = 200.0;

/// How often which error occurs, with its mean.
pub fn age_errors_histogram(series: Series, cases: &[AgeCase], figures: &AgeFigures) -> Option<String> {
    if cases.is_empty() {
        return None;
    }
    let errors = || cases.iter().map(AgeCase::error);
    let (lowest, highest) = errors().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(e), h.max(e)));
    // The same bins for all networks, unless one is wrong by hundreds of years.
    let width = nice_step((highest - lowest) / MOST_BINS).max(BIN_YEARS);
    let (low, high) = ((lowest / width).floor() * width, ((highest / width).floor() + 1.0) * width);
    let bins = ((high - low) / width).round().max(1.0) as usize;
    let mut counts = vec![0_usize; bins];
    for case in cases {
        let bin = ((case.error() - low) / width) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(1) as f64;
    let panel = Edges(62.0, HEADER, 462.0, HEADER + 270.0).panel((low, high), (0.0, highest * 1.12));
    let (colour, _) = self::series(series.index);
    let content = html! {
        (panel.y_ticks(5))
        g fill-opacity="0.75" {
            @for (bin, &n) in counts.iter().enumerate() {
                @let from = panel.point(low + bin as f64 * width, n as f64);
                @let to = panel.point(low + (bin + 1) as f64 * width, 0.0);
                (block((from.0 + 0.6, from.1), (to.0 - 0.6, to.1), colour))
            }
        }
        @for (value, label) in panel.x.ticks(8) { (panel.x_tick_label(panel.x.at(value), &label)) }
        (panel.upright(0.0, REFERENCE, "5 4"))
        @if let Some(bias) = figures.bias.value { (panel.upright(bias, EMPHASIS, "none")) }
        @for (row, words) in histogram_figures(figures).iter().enumerate() {
            (annotation((panel.left + 12.0, panel.top + 20.0 + 18.0 * row as f64), "start", words))
        }
        (panel.axes("predicted minus chronological age (years)", "number of ECGs", 38.0))
    };
    let remark = format!("{} · {} ECGs · line: mean", series.name, count(cases.len()));
    Some(drawing(HEADER + 320.0, "Distribution of the error", &remark, &content))
}

fn histogram_figures(figures: &AgeFigures) -> Vec<String> {
    let bias = figures.bias.value.map(|bias| format!("mean {} years", number(bias, 2)));
    let deviation = figures.error_sd.value.map(|deviation| format!("SD {deviation:.2} years"));
    [bias, deviation].into_iter().flatten().collect()
}
