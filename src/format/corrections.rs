//! What the user states about a file beside what the file says itself.

use super::{FormatError, ReadOptions};
use crate::ecg::{Ecg, Notice};

/// Reads a file with the user's corrections, and says in notices where they contradict the file.
///
/// For that the file is read a second time, as if nothing were stated. What a reader assumes itself is no contradiction.
pub(super) fn corrected(
    options: &ReadOptions,
    read: impl Fn(&ReadOptions) -> Result<Ecg, FormatError>,
) -> Result<Ecg, FormatError> {
    let mut ecg = read(options)?;
    if *options != ReadOptions::default()
        && let Ok(own) = read(&ReadOptions::default())
    {
        let contradictions = contradictions(options, &ecg, &own);
        ecg.notices.extend(contradictions);
    }
    Ok(ecg)
}

fn contradictions(options: &ReadOptions, ecg: &Ecg, own: &Ecg) -> Vec<Notice> {
    let is_own = |assumed: fn(&Notice) -> bool| !own.notices.iter().any(assumed);
    let rate = options.sampling_rate.filter(|_| is_own(|notice| matches!(notice, Notice::SamplingRateAssumed { .. })));
    let rate = rate.filter(|rate| *rate != own.sampling_rate());
    let rate = rate.map(|rate| format!("the stated {rate} Hz replace the file's {} Hz", own.sampling_rate()));

    let unit = options.unit.filter(|_| is_own(|notice| matches!(notice, Notice::UnitAssumed { .. })));
    let unit = unit.and_then(|unit| {
        let times = highest(ecg) / highest(own);
        let differs = times.is_finite() && (times - 1.0).abs() > 1e-3;
        differs.then(|| {
            let times = format!("{times:.3}");
            let times = times.trim_end_matches('0').trim_end_matches('.');
            format!("the stated unit {unit} replaces the file's, which makes the voltages {times} times as high")
        })
    });

    let leads = |ecg: &Ecg| ecg.leads().iter().map(|(lead, _)| lead.name()).collect::<Vec<_>>();
    let order = options.lead_order.as_ref();
    let order = order.filter(|_| is_own(|notice| matches!(notice, Notice::LeadOrderAssumed(_))));
    let order = order.filter(|_| leads(ecg) != leads(own));
    let order = order.map(|_| format!("the stated leads replace the file's, which are {}", leads(own).join(", ")));
    [rate, unit, order].into_iter().flatten().map(Notice::File).collect()
}

/// The largest absolute value of the first lead.
fn highest(ecg: &Ecg) -> f32 {
    let samples = ecg.leads().first().map(|(_, samples)| samples.as_slice()).unwrap_or_default();
    samples.iter().fold(0.0, |highest, sample| sample.abs().max(highest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Lead;
    use crate::format::Unit;

    /// A reader of a file with two leads at 500 Hz in millivolt, of which it assumes what `assumed` says.
    fn said(options: &ReadOptions, assumed: &[Notice]) -> Vec<String> {
        let read = |options: &ReadOptions| {
            let height = options.unit.map_or(1.0, Unit::in_millivolt) as f32;
            let leads = options.lead_order.clone().unwrap_or_else(|| vec![Lead::I, Lead::II]);
            let leads = leads.into_iter().map(|lead| (lead, vec![-height, 0.5 * height])).collect();
            let mut ecg = Ecg::new(leads, options.sampling_rate.unwrap_or(500.0)).unwrap();
            if *options == ReadOptions::default() {
                ecg.notices = assumed.to_vec();
            }
            Ok(ecg)
        };
        corrected(options, read).unwrap().notices.iter().map(Notice::to_string).collect()
    }

    #[test]
    fn only_contradictions_are_told() {
        let none = ReadOptions::default();
        let same = ReadOptions {
            unit: Some(Unit::Millivolt),
            sampling_rate: Some(500.0),
            lead_order: Some(vec![Lead::I, Lead::II]),
        };
        let other = ReadOptions {
            unit: Some(Unit::Volt),
            sampling_rate: Some(250.0),
            lead_order: Some(vec![Lead::II, Lead::I]),
        };
        assert!(said(&none, &[]).is_empty() && said(&same, &[]).is_empty());
        assert_eq!(
            said(&other, &[]),
            [
                "the stated 250 Hz replace the file's 500 Hz",
                "the stated unit V replaces the file's, which makes the voltages 1000 times as high",
                "the stated leads replace the file's, which are I, II",
            ]
        );
        let assumed = [
            Notice::SamplingRateAssumed { assumed: 500.0 },
            Notice::UnitAssumed { assumed: "mV".to_owned() },
            Notice::LeadOrderAssumed(vec![Lead::I, Lead::II]),
        ];
        assert!(said(&other, &assumed).is_empty());
    }
}
