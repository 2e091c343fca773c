//! What a person can state about a file that does not say it, or says it wrongly.

use std::fmt;
use std::str::FromStr;

use crate::ecg::Lead;

/// Corrections by the user; the default takes everything as the file says it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// The unit of the values in the file.
    ///
    /// Where the file has a gain of its own (WFDB: numbers per unit), this replaces the unit and keeps the gain;
    /// [`Unit::AdcCounts`] replaces both.
    pub unit: Option<Unit>,
    /// Samples per second of each lead, in Hz.
    pub sampling_rate: Option<f64>,
    /// The leads in the order of the file's signals; it replaces the names in the file.
    pub lead_order: Option<Vec<Lead>>,
}

/// What the numbers in a file count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    Volt,
    Millivolt,
    Microvolt,
    Nanovolt,
    /// Steps of the analogue-to-digital converter.
    AdcCounts {
        /// The gain: so many steps are one millivolt.
        per_millivolt: f64,
    },
}

impl Unit {
    /// The unit that a file names: `mV`, `uV`, `V`, `nV`, `microvolt`, `MDC_DIM_MICRO_VOLT`; `None` for anything that is not
    /// a voltage.
    pub fn from_symbol(symbol: &str) -> Option<Unit> {
        let symbol = symbol.trim().trim_end_matches('.').to_lowercase();
        let symbol = symbol.strip_prefix("mdc_dim_").map_or(symbol.clone(), |name| name.replace('_', ""));
        match symbol.as_str() {
            "v" | "volt" | "volts" => Some(Unit::Volt),
            "mv" | "mvolt" | "millivolt" | "millivolts" => Some(Unit::Millivolt),
            // The micro sign (U+00B5) and the Greek letter mu (U+03BC) look alike; before the former there is a second
            // character where UTF-8 was taken for Latin-1.
            "uv" | "\u{b5}v" | "\u{3bc}v" | "\u{e2}\u{b5}v" | "mcv" | "uvolt" | "\u{b5}volt" | "microvolt"
            | "microvolts" => Some(Unit::Microvolt),
            "nv" | "nanovolt" | "nanovolts" => Some(Unit::Nanovolt),
            _ => None,
        }
    }

    /// One of this unit in millivolt.
    pub fn in_millivolt(self) -> f64 {
        match self {
            Unit::Volt => 1000.0,
            Unit::Millivolt => 1.0,
            Unit::Microvolt => 1e-3,
            Unit::Nanovolt => 1e-6,
            Unit::AdcCounts { per_millivolt } => 1.0 / per_millivolt,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Volt => f.write_str("V"),
            Unit::Millivolt => f.write_str("mV"),
            Unit::Microvolt => f.write_str("µV"),
            Unit::Nanovolt => f.write_str("nV"),
            Unit::AdcCounts { per_millivolt } => write!(f, "{per_millivolt}/mV"),
        }
    }
}

/// A text that is not a [`Unit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a unit: write V, mV, uV, nV, or the number of steps in a millivolt such as 200/mV")]
pub struct UnitError(String);

impl FromStr for Unit {
    type Err = UnitError;

    /// Reads `V`, `mV`, `uV`, `µV`, `nV`, or the gain of a converter such as `200/mV`.
    fn from_str(text: &str) -> Result<Unit, UnitError> {
        let gain = || {
            let (count, unit) = text.split_once('/')?;
            let per_millivolt: f64 = count.trim().parse().ok()?;
            let usable = unit.trim().eq_ignore_ascii_case("mv") && per_millivolt.is_finite() && per_millivolt > 0.0;
            usable.then_some(Unit::AdcCounts { per_millivolt })
        };
        Unit::from_symbol(text).or_else(gain).ok_or_else(|| UnitError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_they_are_written() {
        for unit in
            [Unit::Volt, Unit::Millivolt, Unit::Microvolt, Unit::Nanovolt, Unit::AdcCounts { per_millivolt: 204.8 }]
        {
            assert_eq!(unit.to_string().parse(), Ok(unit));
        }
        for spelling in ["uv", "\u{3bc}V", "\u{c2}\u{b5}V", "MICROVOLTS", "MDC_DIM_MICRO_VOLT", " uV. "] {
            assert_eq!(spelling.parse(), Ok(Unit::Microvolt), "{spelling}");
        }
        for wrong in ["", "mmHg", "0/mV", "-5/mV", "NaN/mV", "200/uV", "inf/mV"] {
            assert!(wrong.parse::<Unit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn units_are_related_by_the_si_prefixes() {
        assert_eq!(Unit::Volt.in_millivolt(), 1e3);
        assert_eq!(Unit::Millivolt.in_millivolt(), 1.0);
        assert_eq!(Unit::Microvolt.in_millivolt(), 1e-3);
        assert_eq!(Unit::AdcCounts { per_millivolt: 200.0 }.in_millivolt(), 1.0 / 200.0);
    }
}
