//! What a person corrects of the reading of a file.

use crate::ecg::Lead;
use crate::format::{ReadOptions, Unit};

/// A correction that cannot be understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CorrectionError {
    #[error(transparent)]
    Unit(#[from] crate::format::UnitError),
    #[error("the sampling rate {0:?} is not a number of samples a second, such as 500")]
    SamplingRate(String),
    #[error("{0:?} is none of the twelve leads (I, II, III, aVR, aVL, aVF, V1 to V6)")]
    Lead(String),
}

/// Reads what was entered; an empty text leaves the file its say.
///
/// # Errors
/// Where a text cannot be understood.
pub fn parse(unit: &str, sampling_rate: &str, lead_order: &str) -> Result<ReadOptions, CorrectionError> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let rate = |text: String| match text.replace(',', ".").trim_end_matches("Hz").trim().parse::<f64>() {
        Ok(rate) if rate.is_finite() => Ok(rate),
        _ => Err(CorrectionError::SamplingRate(text)),
    };
    let leads = |text: String| -> Result<Vec<Lead>, CorrectionError> {
        let names = text.split([',', ';', ' ']).filter(|name| !name.is_empty());
        names.map(|name| Lead::from_label(name).ok_or_else(|| CorrectionError::Lead(name.to_owned()))).collect()
    };
    Ok(ReadOptions {
        unit: given(unit).map(|text| text.parse::<Unit>()).transpose()?,
        sampling_rate: given(sampling_rate).map(rate).transpose()?,
        lead_order: given(lead_order).map(leads).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_entered_corrects_nothing() {
        assert_eq!(parse("", " ", ""), Ok(ReadOptions::default()));
    }

    #[test]
    fn people_write_as_they_are_used_to() {
        let options = parse("uV", "257,5 Hz", "I, II; avr V1").unwrap();
        assert_eq!(options.unit, Some(Unit::Microvolt));
        assert_eq!(options.sampling_rate, Some(257.5));
        assert_eq!(options.lead_order, Some(vec![Lead::I, Lead::II, Lead::AVR, Lead::V1]));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (unit, rate, leads, expected) in
            [("mmHg", "", "", "mmHg"), ("", "fast", "", "fast"), ("", "", "I, II, X", "\"X\"")]
        {
            let error = parse(unit, rate, leads).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
