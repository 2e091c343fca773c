//! Estimates in a table for a person, as wide as the terminal.

use super::Writer;
use crate::command::error::CommandError;
use crate::command::{print, terminal};
use crate::dataset::RecordingFile;
use crate::ecg::Person;
use crate::outcome::{Estimated, Failure, Outcome, warnings};
use std::path::Path;

/// Columns whose widths are known before the first estimate, so that rows can be written as they come. Warnings follow on
/// lines of their own.
pub struct TableWriter {
    file_width: usize,
    /// `None` where the table goes to a file or another program: nothing is shortened or wrapped then.
    width: Option<usize>,
    coverage: Option<f32>,
}

/// What the columns beside the file take.
const OTHER_COLUMNS: usize = 50;
const WARNING_INDENT: usize = 4;

impl TableWriter {
    const NARROWEST_FILE: usize = 16;
    /// Where nothing is shortened, longer names push their row to the right.
    const WIDEST_FILE: usize = 48;

    pub fn new(files: &[RecordingFile], coverage: Option<f32>, width: Option<usize>) -> TableWriter {
        let longest = files.iter().map(|file| file.path.to_string_lossy().chars().count()).max().unwrap_or(0);
        let widest =
            width.map_or(Self::WIDEST_FILE, |width| width.saturating_sub(OTHER_COLUMNS).max(Self::NARROWEST_FILE));
        TableWriter { file_width: longest.clamp(4, widest), width, coverage }
    }

    fn line(&self, cells: [&str; 6]) -> String {
        let [file, age, range, sex, probability, stated] = cells;
        let line = format!("{}  {age:>5}  {range:>10}  {sex:<6}  {probability:>9}  {stated}", self.file(file));
        line.trim_end().to_owned()
    }

    /// The name of a file in its column.
    fn file(&self, name: &str) -> String {
        let width = self.file_width;
        let name = if self.width.is_some() { terminal::shortened(name, width) } else { name.to_owned() };
        format!("{name:<width$}")
    }

    /// What follows `first` in lines that begin `indent` further right.
    fn wrapped(&self, first: &str, text: &str, indent: usize) -> String {
        let width = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent));
        format!("{first}{}", terminal::wrapped(text, width).join(&format!("\n{:indent$}", "")))
    }

    fn heading(&self) -> String {
        let range = self.coverage.map_or_else(|| "range".to_owned(), |share| format!("{:.0} % range", share * 100.0));
        self.line(["file", "age", &range, "sex", "P(female)", "stated"])
    }

    fn lines(&self, file: &str, outcome: &Outcome) -> Vec<String> {
        let Estimated { estimate, person } = match outcome {
            Ok(estimated) => estimated,
            Err(Failure { message, .. }) => {
                let file = self.file(file) + "  ";
                return vec![self.wrapped(&file, &format!("error: {message}"), file.chars().count())];
            }
        };
        let dash = || "-".to_owned();
        let age = estimate.age.map_or_else(dash, |age| format!("{:.1}", age.years));
        let interval = estimate.age.and_then(|age| age.interval);
        let range = interval.map_or_else(dash, |(low, high)| format!("{low:.0}-{high:.0}"));
        let sex = estimate.sex.map_or_else(dash, |sex| sex.sex.to_string());
        let probability = estimate.sex.map_or_else(dash, |sex| format!("{:.3}", sex.probability_female));
        let mut lines = vec![self.line([file, &age, &range, &sex, &probability, &stated(person)])];
        let indent = " ".repeat(WARNING_INDENT);
        lines.extend(warnings(estimate).iter().map(|text| self.wrapped(&indent, text, WARNING_INDENT)));
        lines
    }
}

impl Writer for TableWriter {
    fn begin(&mut self) -> Result<(), CommandError> {
        print(self.heading())
    }

    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError> {
        print(self.lines(&file.to_string_lossy(), outcome).join("\n"))
    }
}

/// Age and sex as the file states them; names and identifiers are never written.
fn stated(person: &Person) -> String {
    let age = person.age.map(|age| format!("{age:.0}"));
    let sex = person.sex.map(|sex| sex.to_string());
    let parts: Vec<String> = [age, sex].into_iter().flatten().collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Lead, Notice, Sex};
    use crate::estimate::{AgeEstimate, Estimate, SexEstimate};
    use crate::network::Architecture;

    fn text(width: Option<usize>) -> String {
        let name = "a/long/path/of/folders/that/goes/on/and/on/to/recording-17.scp";
        let files = [RecordingFile { path: name.into(), named: false }];
        let table = TableWriter::new(&files, Some(0.9), width);
        let estimate = Estimate {
            network: Architecture::Compact,
            age: Some(AgeEstimate { years: 57.44, interval: Some((43.2, 71.6)) }),
            sex: Some(SexEstimate { sex: Sex::Female, probability_female: 0.75 }),
            notices: vec![Notice::FlatLead(Lead::V1), Notice::File("one word after the other ".repeat(6))],
        };
        let person = Person { age: Some(56.0), sex: Some(Sex::Male), ..Person::default() };
        let failure = Failure { code: "empty", message: "recording-17.scp is empty (0 bytes)".to_owned() };
        let mut lines = vec![table.heading()];
        lines.extend(table.lines(name, &Ok(Estimated { estimate, person })));
        lines.extend(table.lines("b.scp", &Err(failure)));
        lines.join("\n") + "\n"
    }

    #[test]
    fn a_table_fits_the_terminal() {
        assert_eq!(
            text(Some(80)),
            "\
file                              age  90 % range  sex     P(female)  stated
a/long/path/of…ecording-17.scp   57.4       43-72  female      0.750  56 male
    lead V1 is flat
    one word after the other one word after the other one word after the other
    one word after the other one word after the other one word after the other
b.scp                           error: recording-17.scp is empty (0 bytes)
"
        );
        for width in [66, 80, 100, 160] {
            let text = text(Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
        assert!(text(Some(160)).contains("recording-17.scp   57.4"), "{}", text(Some(160)));
        // Nothing is shortened or wrapped for another program.
        assert_eq!(text(None).lines().count(), 5);
    }
}
