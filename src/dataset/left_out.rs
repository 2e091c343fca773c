//! What could not be used, and why; grouped for a person to read.

use crate::ecg::AGES;
use std::fmt;
use std::path::PathBuf;

/// What a [`Reason`] takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
    /// The whole record: it is not among the data set's records.
    Record,
    /// The age only: the record is used without it.
    Age,
    /// The sex only: the record is used without it.
    Sex,
}

/// Why a record, or the age or sex of a record, is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    #[error("the row has no file: download it or correct the row")]
    RowWithoutFile,
    #[error("the row names no file")]
    FileNotGiven,
    #[error("the row has {fields} fields, the table has {columns} columns")]
    RowLength { fields: usize, columns: usize },
    #[error("the id {0} stands in an earlier row")]
    IdTwice(String),
    #[error("the file stands in an earlier row or data set")]
    FileTwice,
    #[error("the signal file {0} that the header names is not there")]
    SignalFileMissing(String),
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("the table has no column `{column}`; only what the files state is known")]
    ColumnMissing { column: String, concern: Concern },
    #[error("the age is not given")]
    AgeNotGiven,
    #[error("the age {0:?} is not a number of years")]
    AgeUnreadable(String),
    #[error("the age {0} is not between {lowest} and {highest} years", lowest = AGES.start(), highest = AGES.end())]
    AgeOutOfRange(String),
    #[error("the sex is not given")]
    SexNotGiven,
    #[error("the sex {0:?} is not known; write male or female")]
    SexUnknown(String),
    /// The file's reader refused it; `code` is that of the format's error.
    #[error("{message}")]
    NotDecoded { code: String, message: String },
    /// The ECG cannot be made an input of the networks.
    #[error("{0}")]
    NotPrepared(String),
}

impl Reason {
    pub fn concern(&self) -> Concern {
        match self {
            Reason::AgeNotGiven | Reason::AgeUnreadable(_) | Reason::AgeOutOfRange(_) => Concern::Age,
            Reason::SexNotGiven | Reason::SexUnknown(_) => Concern::Sex,
            Reason::ColumnMissing { concern, .. } => *concern,
            _ => Concern::Record,
        }
    }

    /// What stands in the table or the file that cannot be used.
    fn found(&self) -> Option<&str> {
        match self {
            Reason::AgeUnreadable(found) | Reason::AgeOutOfRange(found) | Reason::SexUnknown(found) => Some(found),
            _ => None,
        }
    }

    /// The reason without its particulars, the same for all records that share it.
    pub fn group(&self) -> String {
        match self {
            Reason::RowLength { .. } => "the row has too few or too many fields".into(),
            Reason::IdTwice(_) => "the id stands in an earlier row".into(),
            Reason::SignalFileMissing(_) => "a signal file that the header names is not there".into(),
            Reason::Unreadable(_) => "the file cannot be read".into(),
            Reason::AgeUnreadable(_) => "the age is not a number of years".into(),
            Reason::AgeOutOfRange(_) => {
                format!("the age is not between {} and {} years", AGES.start(), AGES.end())
            }
            Reason::SexUnknown(sex) if sex.parse::<f64>().is_ok() => {
                "the sex is a number, which means male in one data set and female in the next; write male or female"
                    .into()
            }
            Reason::SexUnknown(_) => "the sex is neither male nor female".into(),
            Reason::NotDecoded { code, .. } => format!("the file cannot be decoded ({code})"),
            Reason::NotPrepared(_) => "the ECG cannot be prepared for the networks".into(),
            same => same.to_string(),
        }
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    pub table: PathBuf,
    /// Counted from 1, the header included.
    pub line: u64,
}

/// A record that is not used, or is used without its age or sex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub file: PathBuf,
    /// The row of the table that names the file, where there is a table.
    pub row: Option<TableRow>,
    /// How many records the entry stands for; `file` and `row` are those of the first.
    pub records: usize,
    pub reason: Reason,
}

impl LeftOut {
    pub(super) fn file(file: PathBuf, reason: Reason) -> LeftOut {
        LeftOut { file, row: None, records: 1, reason }
    }

    fn place(&self) -> String {
        match &self.row {
            Some(TableRow { table, line }) => {
                let table = super::file_name_of(table);
                let file = super::file_name_of(&self.file);
                if file.is_empty() { format!("{table}, line {line}") } else { format!("{table}, line {line}: {file}") }
            }
            None => self.file.display().to_string(),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.reason)?;
        if self.records > 1 {
            write!(f, " (and {} more)", with_thousands(self.records - 1))?;
        }
        Ok(())
    }
}

/// One line for each reason, the most frequent first: how many records, why, and where the first of them stands.
///
/// Empty where nothing was left out.
pub fn summary_of(left_out: &[LeftOut]) -> String {
    let mut groups: Vec<(String, usize, &LeftOut)> = Vec::new();
    for entry in left_out {
        let group = entry.reason.group();
        match groups.iter_mut().find(|(known, ..)| *known == group) {
            Some((_, records, _)) => *records += entry.records,
            None => groups.push((group, entry.records, entry)),
        }
    }
    groups.sort_by_key(|(_, records, _)| std::cmp::Reverse(*records));
    let lines = groups.iter().map(|(group, records, first)| {
        let kept = if first.reason.concern() == Concern::Record { "left out" } else { "kept" };
        let found = first.reason.found().map(|found| format!(" says {found:?}")).unwrap_or_default();
        format!("  {}: {group} ({kept}; first: {}{found})", counted(*records, "record", "records"), first.place())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `1 record`, `25,764 records`.
pub(crate) fn counted(number: usize, one: &str, several: &str) -> String {
    format!("{} {}", with_thousands(number), if number == 1 { one } else { several })
}

/// `25764` as `25,764`.
pub(super) fn with_thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 7, 999, 1_000, 25_764, 123_456, 1_234_567].map(with_thousands);
        assert_eq!(texts, ["0", "7", "999", "1,000", "25,764", "123,456", "1,234,567"]);
    }

    #[test]
    fn one_is_not_many() {
        let texts = [0, 1, 2000].map(|number| counted(number, "record", "records"));
        assert_eq!(texts, ["0 records", "1 record", "2,000 records"]);
    }

    #[test]
    fn a_summary_has_one_line_for_each_reason() {
        let entry = |name: &str, reason| LeftOut::file(PathBuf::from(name), reason);
        let left_out = [
            entry("a.scp", Reason::AgeOutOfRange("300".into())),
            entry("b.scp", Reason::NotDecoded { code: "scp".into(), message: "byte 7".into() }),
            entry("d.scp", Reason::SexUnknown("1".into())),
            entry("c.scp", Reason::NotDecoded { code: "scp".into(), message: "byte 9".into() }),
        ];
        assert_eq!(
            summary_of(&left_out),
            "  2 records: the file cannot be decoded (scp) (left out; first: b.scp)\n  \
               1 record: the age is not between 0 and 120 years (kept; first: a.scp says \"300\")\n  \
               1 record: the sex is a number, which means male in one data set and female in the next; write male or \
             female (kept; first: d.scp says \"1\")"
        );
        assert_eq!(summary_of(&[]), "");
    }
}
