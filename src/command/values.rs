//! How values on the command line are read.

use crate::dataset::split::Folds;
use crate::ecg::Lead;
use crate::format::Unit;
use crate::network::weights::Precision;
use crate::network::{Architecture, Target};
use crate::signal::Preprocessing;
use crate::training::Recipe;
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::Path;

pub fn architecture() -> impl TypedValueParser<Value = Architecture> {
    PossibleValuesParser::new(Architecture::ALL.map(Architecture::name)).try_map(|name| name.parse::<Architecture>())
}

pub fn target() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new([Target::Age, Target::Sex, Target::Both].map(Target::name))
        .try_map(|name| name.parse::<Target>())
}

pub fn preprocessing() -> impl TypedValueParser<Value = Preprocessing> {
    PossibleValuesParser::new(Preprocessing::ALL.map(Preprocessing::name)).try_map(|name| name.parse::<Preprocessing>())
}

/// A recipe by its name or of one's own.
#[derive(Debug, Clone)]
pub enum RecipeChoice {
    Named(String),
    Own(Box<Recipe>),
}

impl RecipeChoice {
    pub fn is_published(&self) -> bool {
        matches!(self, RecipeChoice::Named(name) if name == "published")
    }

    pub fn recipe(&self, target: Target) -> Recipe {
        match self {
            RecipeChoice::Named(name) => Recipe::named(name, target).unwrap_or_else(Recipe::ours),
            RecipeChoice::Own(recipe) => Recipe::clone(recipe),
        }
    }
}

/// The name of a recipe, or a JSON file with one.
pub fn recipe(text: &str) -> Result<RecipeChoice, String> {
    if Recipe::NAMES.contains(&text) {
        return Ok(RecipeChoice::Named(text.to_owned()));
    }
    let path = Path::new(text);
    let bytes =
        std::fs::read(path).map_err(|error| format!("{error}; recipes with a name are {}", list(Recipe::NAMES)))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let recipe = Recipe::from_json(&name, &bytes).map_err(|error| error.to_string())?;
    Ok(RecipeChoice::Own(Box::new(recipe)))
}

/// How the values in a weights file are stored.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Bits {
    /// Kernels; what has one value for each output keeps 16
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
    #[value(name = "32")]
    ThirtyTwo,
}

impl From<Bits> for Precision {
    fn from(bits: Bits) -> Precision {
        match bits {
            Bits::Eight => Precision::Bits8,
            Bits::Sixteen => Precision::Bits16,
            Bits::ThirtyTwo => Precision::Bits32,
        }
    }
}

/// `mV`, `uV`, `V`, or steps of the converter in a millivolt as `adc:200` or `200/mV`.
pub fn unit(text: &str) -> Result<Unit, String> {
    let gain = text.strip_prefix("adc:").map(|steps| format!("{steps}/mV"));
    let unit = gain.as_deref().unwrap_or(text).parse();
    unit.map_err(|_| format!("{text:?} is not a unit; write mV, uV, V or the steps in a millivolt, such as adc:200"))
}

/// Leads in the order of a file's signals, separated by commas.
pub fn leads(text: &str) -> Result<LeadOrder, String> {
    let lead = |label: &str| Lead::from_label(label).ok_or_else(|| format!("{label:?} is not one of the 12 leads"));
    text.split(',').map(lead).collect::<Result<_, _>>().map(LeadOrder)
}

/// A list of leads; clap would take a bare `Vec` for an option that is given several times.
#[derive(Debug, Clone)]
pub struct LeadOrder(pub Vec<Lead>);

/// A finite number above zero.
pub fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    (number.is_finite() && number > 0.0).then_some(number).ok_or_else(|| "it must be above 0".to_owned())
}

/// A whole number from `LEAST` on.
pub fn at_least<const LEAST: usize>(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| format!("{text:?} is not a whole number"))?;
    (number >= LEAST).then_some(number).ok_or_else(|| format!("it must be at least {LEAST}"))
}

/// A finite number of seconds, not below zero.
pub fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    (number.is_finite() && number >= 0.0).then_some(number).ok_or_else(|| "it must not be below 0".to_owned())
}

/// `TRAIN/VALIDATION/TEST`, each a list such as `1-7` or `1,3-5` or `a,b`; the test part may be left out.
pub fn folds(text: &str) -> Result<Folds, String> {
    let mut parts = text.split('/').map(fold_list);
    let mut next = || parts.next().transpose();
    let (Some(train), Some(validation)) = (next()?, next()?) else {
        return Err("write TRAIN/VALIDATION/TEST, such as 1-7/8/9".to_owned());
    };
    let test = next()?.unwrap_or_default();
    match next()? {
        Some(_) => Err("there are three parts, TRAIN/VALIDATION/TEST".to_owned()),
        None => Ok(Folds { train, validation, test }),
    }
}

/// More folds than anybody has.
const MOST_FOLDS: u32 = 1000;

fn fold_list(text: &str) -> Result<Vec<String>, String> {
    let mut folds = Vec::new();
    for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        let numbers = piece.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        match numbers {
            Some((from, to)) if from > to || to - from > MOST_FOLDS => {
                return Err(format!("{piece:?} is not a range of folds"));
            }
            Some((from, to)) => folds.extend((from..=to).map(|fold: u32| fold.to_string())),
            None => folds.push(piece.to_owned()),
        }
    }
    Ok(folds)
}

/// Folds as [`folds`] reads them, for reports.
pub fn folds_in_words(folds: &Folds) -> String {
    let list = |folds: &[String]| {
        let numbers: Option<Vec<u32>> = folds.iter().map(|fold| fold.parse().ok()).collect();
        match numbers.as_deref() {
            Some([first, .., last]) if folds.len() > 2 && (last - first) as usize + 1 == folds.len() => {
                format!("{first}-{last}")
            }
            _ => folds.join(","),
        }
    };
    [&folds.train, &folds.validation, &folds.test].map(|folds| list(folds)).join("/")
}

/// Items with commas between them.
pub fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_ranges_and_names() {
        let read = |text: &str| folds(text).map(|folds| [folds.train.len(), folds.validation.len(), folds.test.len()]);
        assert_eq!(read("1-7/8/9"), Ok([7, 1, 1]));
        assert_eq!(read("1,3-5/8"), Ok([4, 1, 0]));
        assert_eq!(read("north,mid-west/south/"), Ok([2, 1, 0]));
        for wrong in ["", "1-7", "1/2/3/4", "7-1/8/9", "0-4000000000/1/2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn folds_are_written_as_they_are_read() {
        for text in ["1-7/8/9", "1,3,5/8/", "a,b/c/d", "1,2/3/4"] {
            assert_eq!(folds_in_words(&folds(text).unwrap()), text);
        }
        assert_eq!(folds_in_words(&Folds::default()), "1-7/8/9");
    }

    #[test]
    fn units_have_two_spellings_of_a_gain() {
        assert_eq!(unit("adc:200"), Ok(Unit::AdcCounts { per_millivolt: 200.0 }));
        assert_eq!(unit("200/mV"), unit("adc:200"));
        assert_eq!(unit("uV"), Ok(Unit::Microvolt));
        assert!(unit("adc:").is_err() && unit("mmHg").is_err());
    }

    #[test]
    fn leads_are_separated_by_commas() {
        assert_eq!(leads("I,II, avr").unwrap().0, [Lead::I, Lead::II, Lead::AVR]);
        assert!(leads("I,,II").is_err() && leads("V7").is_err());
    }

    #[test]
    fn numbers_are_within_reason() {
        assert!(positive("0").is_err() && positive("NaN").is_err() && positive("inf").is_err());
        assert_eq!((seconds("0"), positive("1e-3")), (Ok(0.0), Ok(0.001)));
        assert_eq!((at_least::<2>("2"), at_least::<1>("0")), (Ok(2), Err("it must be at least 1".to_owned())));
        assert!(at_least::<1>("-3").is_err() && at_least::<1>("1.5").is_err());
        assert!(seconds("-1").is_err() && seconds("soon").is_err());
    }
}
