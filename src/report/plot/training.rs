//! Plots of a training run.

use maud::{Markup, html};

use super::canvas::*;
use crate::report::training_log::{Epoch, TrainingLog};

/// One curve of a panel: its name and the value of each epoch that has one.
type Curve = (&'static str, fn(&Epoch) -> Option<f64>);

/// What one panel shows.
struct PanelPlan {
    name: &'static str,
    curves: &'static [Curve],
}

const PANELS: [PanelPlan; 3] = [
    PanelPlan {
        name: "loss",
        curves: &[("training", |epoch| epoch.train_loss), ("validation", |epoch| epoch.validation_loss)],
    },
    PanelPlan { name: "MAE (years)", curves: &[("validation", |epoch| epoch.validation_mae)] },
    PanelPlan { name: "AUC", curves: &[("validation", |epoch| epoch.validation_auc)] },
];

const PANEL_HEIGHT: f64 = 150.0;
const GAP: f64 = 26.0;

/// Loss, validation MAE and validation AUC by epoch; the epoch of the lowest validation loss and the epochs at which
/// the learning rate fell are marked. Panels without values are left out.
pub fn training_curves(title: &str, log: &TrainingLog) -> Option<String> {
    let plans: Vec<&PanelPlan> = PANELS.iter().filter(|plan| values(plan, log).next().is_some()).collect();
    let (first, last) = (log.epochs.first()?.epoch as f64, log.epochs.last()?.epoch as f64);
    let lowest = plans.len().checked_sub(1)?;
    let best = log.best_epoch();
    let bottom = HEADER + plans.len() as f64 * (PANEL_HEIGHT + GAP) - GAP;
    let content = html! {
        @for (number, plan) in plans.iter().enumerate() {
            @let top = HEADER + number as f64 * (PANEL_HEIGHT + GAP);
            @let panel = panel(plan, log, top, (first, last.max(first + 1.0)));
            (panel.y_ticks(5))
            @for epoch in log.learning_rate_drops() { (panel.upright(epoch as f64, REFERENCE, "2 3")) }
            @if let Some(best) = best { (panel.upright(best as f64, EMPHASIS, "none")) }
            (curves(plan, log, &panel))
            @if number == lowest {
                @for (value, label) in panel.x.ticks(8).into_iter().filter(|(value, _)| value.fract() == 0.0) {
                    (panel.x_tick_label(panel.x.at(value), &label))
                }
            }
            (panel.axes(if number == lowest { "epoch" } else { "" }, plan.name, 38.0))
        }
    };
    let marked = best.map(|best| format!("lowest validation loss: epoch {best} (line)"));
    let drops = (log.learning_rate_drops().next().is_some()).then(|| "dotted: learning rate lowered".to_owned());
    let remark = [marked, drops].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    Some(drawing(bottom + 52.0, title, &remark, &content))
}

fn values<'a>(plan: &'a PanelPlan, log: &'a TrainingLog) -> impl Iterator<Item = f64> + 'a {
    plan.curves.iter().flat_map(|(_, value)| log.epochs.iter().filter_map(value))
}

/// A linear scale, or a logarithmic one where the first epochs would otherwise flatten all that follows.
fn panel(plan: &PanelPlan, log: &TrainingLog, top: f64, epochs: (f64, f64)) -> Panel {
    let (low, high) = values(plan, log).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let edges = Edges(68.0, top, 462.0, top + PANEL_HEIGHT);
    let room = ((high - low) * 0.07).max(high.abs() * 1e-3).max(1e-9);
    let mut panel = edges.panel(epochs, (low - room, high + room));
    if low > 0.0 && high / low > 12.0 {
        panel.y = Scale::logarithmic((low / 1.15, high * 1.15), (panel.bottom, panel.top));
    }
    panel
}

fn curves(plan: &PanelPlan, log: &TrainingLog, panel: &Panel) -> Markup {
    // Validation is drawn alike in every panel.
    let style = |name: &str| series(usize::from(name == "training"));
    let entry = |(name, _): &Curve| LegendEntry { style: style(name), name, figure: String::new() };
    let entries: Vec<LegendEntry> = plan.curves.iter().map(entry).collect();
    html! {
        @for (name, value) in plan.curves {
            @let points = log.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?)));
            (panel.polyline(points, style(name)))
        }
        @if entries.len() > 1 { (legend((panel.right - 6.0, panel.top + 56.0), &entries)) }
    }
}
