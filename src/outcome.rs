//! What became of a recording: an estimate or a failure, as a row of a table (CSV) or an object (JSON).

use crate::ecg::{Person, Sex, in_words};
use crate::estimate::Estimate;
use crate::format::FormatError;
use crate::network::Architecture;
use crate::signal::SignalError;
use serde::Serialize;

/// An estimate with what the file states of the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    pub estimate: Estimate,
    pub person: Person,
}

/// Why there is no estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// A short name of the kind of trouble, which stays the same between versions.
    pub code: &'static str,
    pub message: String,
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Failure {
        Failure { code: error.code(), message: error.to_string() }
    }
}

impl From<SignalError> for Failure {
    fn from(error: SignalError) -> Failure {
        Failure { code: error.code(), message: error.to_string() }
    }
}

/// What became of a recording.
pub type Outcome = Result<Estimated, Failure>;

/// The names of the columns of [`csv_row`].
pub const CSV_COLUMNS: [&str; 12] = [
    "file",
    "network",
    "age",
    "age_low",
    "age_high",
    "sex",
    "probability_female",
    "stated_age",
    "stated_sex",
    "warnings",
    "error_code",
    "error_message",
];

/// The cells of a recording; empty where something is not known, such as the network where the file was not read.
pub fn csv_row(file: &str, network: Option<Architecture>, outcome: &Outcome) -> [String; CSV_COLUMNS.len()] {
    let mut cells: [String; CSV_COLUMNS.len()] = Default::default();
    cells[0] = file.to_owned();
    cells[1] = network.map(|network| network.to_string()).unwrap_or_default();
    match outcome {
        Ok(Estimated { estimate, person }) => {
            let number = |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
            let word = |sex: Option<Sex>| sex.map(|sex| sex.to_string()).unwrap_or_default();
            let (age, sex) = (estimate.age, estimate.sex);
            let interval = age.and_then(|age| age.interval);
            cells[2] = number(age.map(|age| age.years));
            cells[3] = number(interval.map(|interval| interval.0));
            cells[4] = number(interval.map(|interval| interval.1));
            cells[5] = word(sex.map(|sex| sex.sex));
            cells[6] = number(sex.map(|sex| sex.probability_female));
            cells[7] = number(person.age);
            cells[8] = word(person.sex);
            cells[9] = warnings(estimate).join("; ");
        }
        Err(Failure { code, message }) => {
            cells[10] = (*code).to_owned();
            cells[11] = message.clone();
        }
    }
    cells
}

/// A table with a header of all recordings.
pub fn csv_table<'a>(
    rows: impl Iterator<Item = (&'a str, Option<Architecture>, &'a Outcome)>,
) -> Result<String, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(CSV_COLUMNS)?;
    for (file, network, outcome) in rows {
        table.write_record(csv_row(file, network, outcome))?;
    }
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A recording as an object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record<'a> {
    Estimate {
        file: &'a str,
        network: Architecture,
        age: Option<f32>,
        age_low: Option<f32>,
        age_high: Option<f32>,
        sex: Option<Sex>,
        probability_female: Option<f32>,
        warnings: Vec<String>,
    },
    Error {
        file: &'a str,
        error: &'a Failure,
    },
}

impl<'a> Record<'a> {
    pub fn new(file: &'a str, outcome: &'a Outcome) -> Record<'a> {
        let Estimated { estimate, .. } = match outcome {
            Ok(estimated) => estimated,
            Err(error) => return Record::Error { file, error },
        };
        let (age, sex) = (estimate.age, estimate.sex);
        let interval = age.and_then(|age| age.interval);
        Record::Estimate {
            file,
            network: estimate.network,
            age: age.map(|age| age.years),
            age_low: interval.map(|interval| interval.0),
            age_high: interval.map(|interval| interval.1),
            sex: sex.map(|sex| sex.sex),
            probability_female: sex.map(|sex| sex.probability_female),
            warnings: warnings(estimate),
        }
    }
}

/// What a person should know about the recording.
pub fn warnings(estimate: &Estimate) -> Vec<String> {
    in_words(&estimate.notices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Notice;
    use crate::estimate::{AgeEstimate, SexEstimate};

    fn outcomes() -> [Outcome; 2] {
        let estimate = Estimate {
            network: Architecture::Cnn,
            age: Some(AgeEstimate { years: 57.5, interval: Some((43.5, 71.5)) }),
            sex: Some(SexEstimate { sex: Sex::Female, probability_female: 0.75 }),
            notices: vec![Notice::Standardised, Notice::File("one, \"two\"".to_owned())],
        };
        let person = Person { age: Some(56.0), ..Person::default() };
        [Ok(Estimated { estimate, person }), Err(Failure { code: "empty", message: "a is empty".to_owned() })]
    }

    #[test]
    fn a_table_survives_commas_and_quotes() {
        let outcomes = outcomes();
        let rows = ["x,y.hea", "a"].into_iter().zip(&outcomes);
        let text = csv_table(rows.map(|(file, outcome)| (file, Some(Architecture::Cnn), outcome))).unwrap();
        let mut table = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(table.headers().unwrap(), &CSV_COLUMNS[..]);
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        let cells: Vec<&str> = rows[0].iter().collect();
        assert_eq!(cells[..9], ["x,y.hea", "cnn", "57.5", "43.5", "71.5", "female", "0.75", "56", ""]);
        assert!(cells[9].ends_with("; one, \"two\"") && cells[10..] == ["", ""]);
        assert_eq!((&rows[1][2], &rows[1][10], &rows[1][11]), ("", "empty", "a is empty"));
    }

    #[test]
    fn an_object_has_an_estimate_or_an_error() {
        let [estimated, failed] = outcomes();
        let object = |outcome| serde_json::to_value(Record::new("f", outcome)).unwrap();
        let object = (object(&estimated), object(&failed));
        assert_eq!(object.0["age_low"], 43.5);
        assert_eq!(object.0["sex"], "female");
        assert_eq!(object.1, serde_json::json!({ "file": "f", "error": { "code": "empty", "message": "a is empty" } }));
    }
}
