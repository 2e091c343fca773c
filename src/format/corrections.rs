//! What the user states about a file beside what the file says itself.

use super::{FormatError, ReadOptions};
use crate::ecg::{Ecg, Lead, Notice, join};

/// Reads a file with the user's corrections, and says in notices where they contradict the file.
///
/// For that the file is read twice, first as if nothing were stated. What a reader assumes itself is no contradiction.
pub(super) fn corrected(
    options: &ReadOptions,
    read: impl Fn(&ReadOptions) -> Result<Ecg, FormatError>,
) -> Result<Ecg, FormatError> {
    let is_corrected = *options != ReadOptions::default();
    let own = is_corrected.then(|| read(&ReadOptions::default()).ok()).flatten().map(|own| Own::of(&own));
    let mut ecg = read(options)?;
    if let Some(own) = own {
        let contradictions = own.contradictions(options, &ecg);
        ecg.notices.extend(contradictions);
    }
    Ok(ecg)
}

/// What a file says itself; `None` where the reader assumed it.
struct Own {
    sampling_rate: Option<f64>,
    /// The largest absolute value of the first lead, in millivolt by the file's unit.
    highest: Option<f32>,
    leads: Option<Vec<Lead>>,
}

impl Own {
    fn of(ecg: &Ecg) -> Own {
        let is_stated = |assumed: fn(&Notice) -> bool| !ecg.notices.iter().any(assumed);
        Own {
            sampling_rate: is_stated(|notice| matches!(notice, Notice::SamplingRateAssumed { .. }))
                .then(|| ecg.sampling_rate()),
            highest: is_stated(|notice| matches!(notice, Notice::UnitAssumed { .. })).then(|| highest(ecg)),
            leads: is_stated(|notice| matches!(notice, Notice::LeadOrderAssumed(_))).then(|| leads(ecg)),
        }
    }

    fn contradictions(&self, options: &ReadOptions, ecg: &Ecg) -> Vec<Notice> {
        let rates = options.sampling_rate.zip(self.sampling_rate).filter(|(stated, own)| stated != own);
        let rate = rates.map(|(stated, own)| format!("the stated {stated} Hz replace the file's {own} Hz"));

        let unit = options.unit.zip(self.highest).map(|(unit, own)| (unit, highest(ecg) / own));
        let unit = unit.filter(|(_, times)| times.is_finite() && (times - 1.0).abs() > 1e-3).map(|(unit, times)| {
            // Three digits of it.
            let times: f32 = format!("{times:.2e}").parse().unwrap_or(times);
            format!("the stated unit {unit} replaces the file's, which makes the voltages {times} times as high")
        });

        let order = options.lead_order.as_ref().and(self.leads.as_ref()).filter(|own| **own != leads(ecg));
        let order = order.map(|own| format!("the stated leads replace the file's, which are {}", join(own)));
        [rate, unit, order].into_iter().flatten().map(Notice::File).collect()
    }
}

fn leads(ecg: &Ecg) -> Vec<Lead> {
    ecg.leads().iter().map(|(lead, _)| *lead).collect()
}

/// The largest absolute value of the first lead.
fn highest(ecg: &Ecg) -> f32 {
    let samples = ecg.leads().first().map(|(_, samples)| samples.as_slice()).unwrap_or_default();
    samples.iter().fold(0.0, |highest, sample| sample.abs().max(highest))
}

#[cfg(test)]
mod tests {
    use super::*;
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
