//! What all readers share: bounds, the choice of leads, and the way from what was read to an [`Ecg`].

use super::error::{ENOUGH_LEADS, Place};
use super::{FormatError, ReadOptions, Unit};
use crate::ecg::{Amplitude, Ecg, EcgError, Lead, Notice, Person, join};

/// So much of a long recording is read, from its beginning: an estimate needs ten seconds, a Holter recording has a
/// hundred hours.
pub(super) const MAXIMUM_SECONDS: f64 = 30.0 * 60.0;

/// So many samples of all signals together are read: 128 MiB of 32-bit numbers, whatever the sampling rate.
pub(super) const MAXIMUM_VALUES: u64 = 1 << 25;

/// The sampling rates that an [`Ecg`] can have, in Hz.
pub(super) const SAMPLING_RATES: std::ops::RangeInclusive<f64> = 1.0..=100_000.0;

/// What a reader found in a file.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// Samples in millivolt (or standardised, as `amplitude` says); NaN where the file marks them as missing.
    pub leads: Vec<(Lead, Vec<f32>)>,
    /// In Hz.
    pub sampling_rate: f64,
    pub amplitude: Amplitude,
    pub person: Person,
    pub notices: Vec<Notice>,
}

impl Recording {
    /// Checks what was read, whatever the format, and puts it together.
    pub fn into_ecg(self, place: Place<'_>) -> Result<Ecg, FormatError> {
        let Recording { leads, sampling_rate, amplitude, person, mut notices } = self;
        if leads.iter().all(|(_, samples)| samples.is_empty()) {
            return Err(place.not_an_ecg("it has no samples"));
        }
        let (mut valid, mut invalid) = (Vec::new(), Vec::new());
        for (lead, mut samples) in leads {
            notices.extend(forget_infinite(lead, &mut samples));
            if samples.iter().all(|sample| sample.is_nan()) {
                invalid.push(lead);
            } else {
                valid.push((lead, samples));
            }
        }
        if valid.is_empty() {
            return Err(FormatError::NoValidSample {
                file: place.file.to_owned(),
                format: place.format,
                leads: invalid,
            });
        }
        match invalid.as_slice() {
            [] => {}
            [lead] => notices.push(Notice::File(format!("lead {lead} has no valid sample and was left out"))),
            leads => {
                let text = format!("leads {} have no valid sample and were left out", join(leads));
                notices.push(Notice::File(text));
            }
        }
        let mut ecg = Ecg::new(valid, sampling_rate).map_err(|error| place.ecg(error))?;
        if amplitude == Amplitude::Standardised {
            notices.push(Notice::Standardised);
        }
        ecg.amplitude = amplitude;
        ecg.person = person;
        ecg.notices = notices;
        Ok(ecg)
    }
}

/// Makes infinite samples missing ones: an overflow in whatever wrote the file.
fn forget_infinite(lead: Lead, samples: &mut [f32]) -> Option<Notice> {
    let mut count = 0;
    for sample in samples.iter_mut().filter(|sample| sample.is_infinite()) {
        *sample = f32::NAN;
        count += 1;
    }
    (count > 0).then(|| Notice::File(format!("lead {lead}: {count} infinite samples were taken as missing")))
}

/// How many of `samples` samples of each of `signals` signals are read, and what to say if it is not all of them.
pub(super) fn bounded(samples: u64, signals: u64, sampling_rate: f64) -> (u64, Option<Notice>) {
    let by_time = (MAXIMUM_SECONDS * sampling_rate) as u64;
    let kept = samples.min(by_time).min(MAXIMUM_VALUES / signals.max(1));
    let notice = (kept < samples).then(|| {
        let minutes = |samples: u64| samples as f64 / sampling_rate / 60.0;
        Notice::File(format!(
            "the recording has {:.1} minutes; only the first {:.1} were read",
            minutes(samples),
            minutes(kept)
        ))
    });
    (kept, notice)
}

/// How a stored number becomes millivolt: (stored - baseline) / gain, times the unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calibration {
    /// The stored number that means zero.
    pub baseline: f64,
    /// Stored numbers for one unit.
    pub gain: f64,
    /// One unit in millivolt.
    pub unit: f64,
}

impl Calibration {
    /// The calibration of a file with its unit, or the one that the user states instead.
    pub fn new(baseline: f64, gain: f64, unit: Unit, options: &ReadOptions) -> Calibration {
        match options.unit.unwrap_or(unit) {
            Unit::AdcCounts { per_millivolt } => Calibration { baseline, gain: per_millivolt, unit: 1.0 },
            unit => Calibration { baseline, gain, unit: unit.in_millivolt() },
        }
    }

    /// The same where the file states the height of a step: zero lies at the number `zero`, a step has `step` units.
    pub fn of_steps(zero: f64, step: f64, unit: Unit, options: &ReadOptions) -> Calibration {
        match options.unit.unwrap_or(unit) {
            Unit::AdcCounts { per_millivolt } => Calibration { baseline: zero, gain: per_millivolt, unit: 1.0 },
            unit => Calibration { baseline: zero, gain: 1.0, unit: step * unit.in_millivolt() },
        }
    }

    pub fn millivolt(self, stored: f64) -> f32 {
        ((stored - self.baseline) / self.gain * self.unit) as f32
    }
}

/// The lead that a signal of a file is, and whether it was stored upside down, as its label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Assigned {
    pub lead: Lead,
    upside_down: bool,
}

impl Assigned {
    fn upright(lead: Lead) -> Assigned {
        Assigned { lead, upside_down: false }
    }

    /// The lead that a label means: `aVR`, or upside down `-aVR`.
    pub fn from_label(label: &str) -> Option<Assigned> {
        match upside_down(label) {
            Some(label) => Some(Assigned { lead: Lead::from_label(&label)?, upside_down: true }),
            None => Lead::from_label(label).map(Assigned::upright),
        }
    }

    /// -1 where the samples must be turned, else 1.
    pub fn sign(self) -> i32 {
        if self.upside_down { -1 } else { 1 }
    }

    /// The lead with its samples, which are turned where they were stored upside down.
    pub fn with(self, mut samples: Vec<f32>) -> (Lead, Vec<f32>) {
        if self.upside_down {
            samples.iter_mut().for_each(|sample| *sample = -*sample);
        }
        (self.lead, samples)
    }
}

/// The lead of each signal of a file: `None` for a signal that is not one of the twelve leads.
///
/// The user's order goes before the labels. Without any label, twelve signals are taken as the twelve leads in their
/// usual order and eight as I, II, V1 to V6, the others being derived from them; that is said in the notices.
pub(super) fn assign_leads(
    labels: &[&str],
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<(Vec<Option<Assigned>>, Vec<Notice>), FormatError> {
    let upright = |order: &[Lead]| order.iter().map(|lead| Some(Assigned::upright(*lead))).collect();
    if let Some(order) = &options.lead_order {
        if order.len() != labels.len() {
            let reason = format!("it names {} leads, the file has {}", order.len(), labels.len());
            return Err(place.correction("lead order", reason));
        }
        return Ok((upright(order), Vec::new()));
    }
    if labels.iter().all(|label| label.trim().is_empty()) {
        let (order, notice) = usual_order(labels.len(), place)?;
        return Ok((upright(&order), vec![notice]));
    }
    let assigned: Vec<Option<Assigned>> = labels.iter().map(|label| Assigned::from_label(label)).collect();
    let leads: Vec<Option<Lead>> = assigned.iter().map(|assigned| Some((*assigned)?.lead)).collect();
    let ignored: Vec<String> = labels.iter().zip(&leads).filter(|(_, lead)| lead.is_none()).map(quoted).collect();
    let twice = |(position, lead): &(usize, &Option<Lead>)| lead.is_some() && leads[..*position].contains(lead);
    if let Some((_, Some(lead))) = leads.iter().enumerate().find(twice) {
        return Err(place.ecg(EcgError::LeadTwice(*lead)));
    }
    if ignored.len() == labels.len() {
        return Err(place.not_an_ecg(format!(
            "none of its signals ({}) is named like one of the twelve leads; if they are, state the lead order",
            shortened(&ignored)
        )));
    }
    let notice = (!ignored.is_empty()).then(|| {
        let names = shortened(&ignored);
        Notice::File(match ignored.len() {
            1 => format!("the signal {names} is no lead of a 12-lead ECG and was not read"),
            _ => format!("the signals {names} are no leads of a 12-lead ECG and were not read"),
        })
    });
    Ok((assigned, notice.into_iter().collect()))
}

fn quoted((label, _): (&&str, &Option<Lead>)) -> String {
    if label.trim().is_empty() { "(without a name)".to_owned() } else { format!("{:?}", label.trim()) }
}

/// The lead of a number in the lists of SCP-ECG (EN 1064) and ISO/IEEE 11073-10102, which agree in the twelve leads.
pub(super) fn lead_by_number(number: u32) -> Option<Lead> {
    let position = match number {
        1 | 2 => number - 1,
        3..=8 => number + 3,
        61..=64 => number - 59,
        _ => return None,
    };
    Lead::ALL.get(position as usize).copied()
}

/// A list for a message: the first few, and how many more there are.
pub(super) fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let list = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// The leads that are meant by a number of signals without names.
fn usual_order(signals: usize, place: Place<'_>) -> Result<(Vec<Lead>, Notice), FormatError> {
    let assumed = |leads: &[Lead]| Ok((leads.to_vec(), Notice::LeadOrderAssumed(leads.to_vec())));
    match signals {
        12 => assumed(&Lead::ALL),
        8 => assumed(&EIGHT_LEADS),
        _ => Err(FormatError::TooFewLeads {
            file: place.file.to_owned(),
            format: place.format,
            found: format!("{signals} signals without names"),
            needed: ENOUGH_LEADS.to_owned(),
        }),
    }
}

/// The leads that determine the other four.
const EIGHT_LEADS: [Lead; 8] = [Lead::I, Lead::II, Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6];

/// Whether eight or twelve signals without names can be leads.
pub(super) fn is_usual_lead_count(signals: usize) -> bool {
    matches!(signals, 8 | 12)
}

/// The label without its minus sign where it names a lead upside down: `-aVR`, `ECG -aVR`. A hyphen between words, as in
/// `ECG-II`, is no minus sign.
fn upside_down(label: &str) -> Option<String> {
    let label = label.trim();
    let at = label.char_indices().find_map(|(at, c)| {
        let begins = label.get(..at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '_', ':']));
        let names = label.get(at + 1..).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
        (c == '-' && begins && names).then_some(at)
    })?;
    let (before, after) = label.split_at_checked(at)?;
    Some(format!("{before}{}", after.strip_prefix('-')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { file: "x.dat", format: "test" };

    #[test]
    fn labels_say_which_signals_are_leads() {
        let options = ReadOptions::default();
        let (leads, notices) = assign_leads(&["RESP", "ECG II", "aVR", "PLETH"], &options, PLACE).unwrap();
        assert_eq!(leads, [None, Some(Assigned::upright(Lead::II)), Some(Assigned::upright(Lead::AVR)), None]);
        assert!(notices[0].to_string().contains("\"RESP\", \"PLETH\""), "{notices:?}");
        let error = assign_leads(&["RESP", ""], &options, PLACE).unwrap_err();
        assert_eq!(error.code(), "not-an-ecg");
        assert!(error.to_string().contains("state the lead order"), "{error}");
        let error = assign_leads(&["II", "RESP", "II"], &options, PLACE).unwrap_err();
        assert_eq!(error.to_string(), "x.dat (test): lead II is given twice; state the lead order");
    }

    #[test]
    fn leads_stored_upside_down_are_turned() {
        let labels = ["-aVR", "ECG -V1", "EKG_-II", "ECG-III", "V2-Cx", "I-II", "- I"];
        let (leads, notices) = assign_leads(&labels, &ReadOptions::default(), PLACE).unwrap();
        let turned: Vec<_> = leads.into_iter().map(|lead| Some(lead?.with(vec![0.5]))).collect();
        let expected = [(Lead::AVR, -0.5), (Lead::V1, -0.5), (Lead::II, -0.5), (Lead::III, 0.5), (Lead::V2, 0.5)];
        assert_eq!(turned[..5], expected.map(|(lead, sample)| Some((lead, vec![sample]))));
        assert_eq!(turned[5..], [None, None]);
        assert!(notices[0].to_string().contains("\"I-II\""), "{notices:?}");
        let options = ReadOptions { lead_order: Some(vec![Lead::AVR]), ..ReadOptions::default() };
        let (leads, _) = assign_leads(&["-aVR"], &options, PLACE).unwrap();
        assert_eq!(leads, [Some(Assigned::upright(Lead::AVR))]);
        let error = assign_leads(&["aVR", "-aVR"], &ReadOptions::default(), PLACE).unwrap_err();
        assert!(error.to_string().contains("lead aVR is given twice"), "{error}");
    }

    #[test]
    fn unnamed_signals_are_leads_by_their_number_only() {
        let options = ReadOptions::default();
        let (leads, notices) = assign_leads(&[""; 12], &options, PLACE).unwrap();
        assert_eq!(leads, Lead::ALL.map(|lead| Some(Assigned::upright(lead))));
        assert_eq!(notices, [Notice::LeadOrderAssumed(Lead::ALL.to_vec())]);
        let (leads, _) = assign_leads(&[""; 8], &options, PLACE).unwrap();
        assert_eq!(leads, EIGHT_LEADS.map(|lead| Some(Assigned::upright(lead))));
        assert_eq!(assign_leads(&[""; 3], &options, PLACE).unwrap_err().code(), "too-few-leads");
    }

    #[test]
    fn the_stated_order_goes_before_the_labels() {
        let options = ReadOptions { lead_order: Some(vec![Lead::V6, Lead::I]), ..ReadOptions::default() };
        let (leads, notices) = assign_leads(&["I", "II"], &options, PLACE).unwrap();
        assert_eq!((leads, notices), ([Lead::V6, Lead::I].map(|lead| Some(Assigned::upright(lead))).to_vec(), vec![]));
        let error = assign_leads(&["I"; 3], &options, PLACE).unwrap_err();
        assert_eq!(error.code(), "correction");
        assert!(error.to_string().contains("names 2 leads, the file has 3"), "{error}");
    }

    #[test]
    fn long_recordings_are_read_from_the_beginning() {
        assert_eq!(bounded(5000, 12, 500.0), (5000, None));
        let (kept, notice) = bounded(100 * 3600 * 500, 12, 500.0);
        assert_eq!(kept, 30 * 60 * 500);
        assert_eq!(notice.unwrap().to_string(), "the recording has 6000.0 minutes; only the first 30.0 were read");
        assert_eq!(bounded(u64::MAX, 12, 100_000.0).0, MAXIMUM_VALUES / 12);
    }

    #[test]
    fn infinite_and_missing_samples() {
        let mut recording = Recording {
            leads: vec![(Lead::I, vec![0.5, f32::INFINITY]), (Lead::II, vec![f32::NAN, f32::NEG_INFINITY])],
            sampling_rate: 500.0,
            ..Recording::default()
        };
        let second = recording.leads[1].clone();
        let ecg = std::mem::take(&mut recording).into_ecg(PLACE).unwrap();
        assert_eq!(ecg.leads().len(), 1);
        assert!(ecg.lead(Lead::I).unwrap()[1].is_nan());
        let said: Vec<String> = ecg.notices.iter().map(Notice::to_string).collect();
        assert!(said.contains(&"lead II has no valid sample and was left out".to_owned()), "{said:?}");
        let recording = Recording { leads: vec![second], sampling_rate: 500.0, ..Recording::default() };
        let error = recording.into_ecg(PLACE).unwrap_err();
        assert_eq!(error.code(), "no-valid-sample");
        assert!(error.to_string().contains("every sample of lead II"), "{error}");
    }

    #[test]
    fn leads_by_their_numbers() {
        let numbers = [1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8];
        assert_eq!(numbers.map(lead_by_number), Lead::ALL.map(Some));
        assert_eq!([0, 9, 60, 65, u32::MAX].map(lead_by_number), [None; 5]);
    }
}
