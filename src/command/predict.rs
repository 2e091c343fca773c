//! `ecgnet predict`: age and sex of recordings.

use super::device::DeviceOptions;
use super::error::CommandError;
use super::values::{self, LeadOrder};
use super::weights::{self, NamedWeights, Selection};
use super::{print, progress, remark};
use crate::dataset::{RecordingFile, Recordings, recordings};
use crate::ecg::{Notice, Person};
use crate::estimate::Estimator;
use crate::format::{Collection, ReadOptions, Unit, is_other_file};
use crate::network::Architecture;
use crate::outcome::{CSV_COLUMNS, Estimated, Failure, Outcome, Record, csv_row};
use crate::signal::Window;
use clap::Args;
use rayon::prelude::*;
use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Estimate age and sex of ECG recordings
///
/// PATHs are files or folders, which are searched for recordings in any depth. Zip archives, compressed files (.gz), and
/// HDF5 and NumPy files of several ECGs are opened, and each recording in them is named. Results are in the order of the
/// PATHs. A recording that cannot be used is reported in a line of its own, the others go on, and the exit status is 1.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet predict ecg.hea
  ecgnet predict --network cnn --csv records500 > estimates.csv
  ecgnet predict --json clinic/*.npy --unit uV --sampling-rate 250
  ecgnet predict exams.zip exams_part0.hdf5
  ecgnet predict --weights runs/cnn-age --weights runs/cnn-sex ecg.h5

With --json, a line is an object with file, network, age, age_low, age_high, sex, probability_female and
warnings, or with file and error (code and message).")]
pub struct Options {
    /// The network, where there are weights of several [default: what the weights' manifest says]
    #[arg(long, value_parser = values::architecture())]
    network: Option<Architecture>,
    /// Weights files, folders that `ecgnet train` wrote, or folders with a manifest.json; one for age and one for sex
    /// of the same network go together; may be repeated [default: the weights that come with the program]
    #[arg(long, value_name = "PATH")]
    weights: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    output: Output,
    /// Where in the recording the ten seconds start that are used
    #[arg(long, value_name = "SECONDS", default_value = "0", allow_negative_numbers = true, value_parser = values::seconds)]
    start: f64,
    /// The unit of the values, where the file says none or a wrong one: mV, uV, V, or steps in a millivolt as adc:GAIN
    #[arg(long, value_parser = values::unit)]
    unit: Option<Unit>,
    /// Samples per second, where the file says nothing or something wrong
    #[arg(long, value_name = "HZ", value_parser = values::positive)]
    sampling_rate: Option<f64>,
    /// The leads in the order of the file, such as I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6
    #[arg(long, value_name = "LEADS", value_parser = values::leads)]
    leads: Option<LeadOrder>,
    /// Files or folders of ECGs
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
struct Output {
    /// Write a table of comma-separated values
    #[arg(long)]
    csv: bool,
    /// Write an object a line
    #[arg(long)]
    json: bool,
}

/// Recordings in work at once for each thread; bounds the memory.
const RECORDINGS_PER_THREAD: usize = 4;

pub fn run(options: &Options) -> Result<(), CommandError> {
    let device = options.device.open()?;
    let loaded = weights::load(&options.weights, Selection::One(options.network))?;
    let coverage = loaded.iter().find_map(|named| {
        let calibration = &named.weights.description.calibration;
        calibration.age_half_width.map(|_| calibration.age_coverage)
    });
    let weights: Vec<_> = loaded.into_iter().map(|NamedWeights { weights, .. }| weights).collect();
    let estimator = Estimator::new(&weights, &device)?;
    let found = recordings(&options.paths);
    if found.files.is_empty() && found.unreadable.is_empty() {
        return Err(CommandError::NoRecordings(values::list(options.paths.iter().map(|path| path.display()))));
    }
    let reader = Reader {
        options: ReadOptions {
            unit: options.unit,
            sampling_rate: options.sampling_rate,
            lead_order: options.leads.clone().map(|LeadOrder(leads)| leads),
        },
        window: Window { start_seconds: options.start },
    };
    let mut writer = options.output.writer(&found.files, estimator.architecture(), coverage);
    writer.begin()?;
    let tally = estimate_all(&estimator, &reader, &found, writer.as_mut())?;
    tell_of_others(found.other_files + tally.passed_over);
    match tally.failed {
        0 => Ok(()),
        failed => Err(CommandError::NotEstimated { failed, files: tally.estimated + failed }),
    }
}

/// What became of the files.
#[derive(Debug, Default)]
struct Tally {
    estimated: usize,
    failed: usize,
    /// Files in folders and archives that are no recordings.
    passed_over: usize,
}

fn estimate_all(
    estimator: &Estimator,
    reader: &Reader,
    found: &Recordings,
    writer: &mut dyn Writer,
) -> Result<Tally, CommandError> {
    let mut tally = Tally::default();
    for entry in &found.unreadable {
        let error = Failure { code: "io", message: entry.reason.to_string() };
        writer.row(&entry.file, &Err(error))?;
        tally.failed += 1;
    }
    let bar = progress::bar(found.files.len(), "estimating");
    let mut others = 0;
    // Files are opened as their turn comes: what is listed, and how many are open, stays bounded.
    let mut members = found.files.iter().flat_map(|file| {
        let (members, other_files) = Member::all_of(file);
        others += other_files;
        match members.len() {
            0 => bar.inc(1),
            count => bar.inc_length(count as u64 - 1),
        }
        members
    });
    loop {
        let at_once = RECORDINGS_PER_THREAD * rayon::current_num_threads();
        let chunk: Vec<Member<'_>> = members.by_ref().take(at_once).collect();
        if chunk.is_empty() {
            break;
        }
        let outcomes: Vec<Option<Outcome>> = chunk
            .par_iter()
            .map(|member| {
                let outcome = reader.estimate(estimator, member);
                bar.inc(1);
                outcome
            })
            .collect();
        bar.suspend(|| -> Result<(), CommandError> {
            for (member, outcome) in chunk.iter().zip(&outcomes) {
                match outcome {
                    Some(Ok(_)) => tally.estimated += 1,
                    Some(Err(_)) => tally.failed += 1,
                    None => tally.passed_over += 1,
                }
                if let Some(outcome) = outcome {
                    writer.row(&member.path(), outcome)?;
                }
            }
            writer.flush()
        })?;
    }
    tally.passed_over += others;
    bar.finish_and_clear();
    Ok(tally)
}

fn tell_of_others(count: usize) {
    match count {
        0 => {}
        1 => remark("1 other file was passed over: it is no recording"),
        count => remark(format_args!("{count} other files were passed over: they are no recordings")),
    }
}

struct Reader {
    options: ReadOptions,
    window: Window,
}

impl Reader {
    /// Estimates one recording; `None` where it was found in a folder or an archive and turns out to be something else.
    fn estimate(&self, estimator: &Estimator, member: &Member<'_>) -> Option<Outcome> {
        let (collection, index) = match &member.at {
            Ok(at) => at,
            Err(failure) => return Some(Err(failure.clone())),
        };
        let name = collection.name(*index).unwrap_or_default();
        let is_named = member.file.named && !name.contains('/');
        match collection.read(*index, &self.options) {
            Err(error) if !is_named && is_other_file(name, &error) => None,
            Err(error) => Some(Err(error.into())),
            Ok(ecg) => Some(match estimator.estimate(&ecg, self.window) {
                Ok(estimate) => Ok(Estimated { estimate, person: ecg.person }),
                Err(error) => Err(error.into()),
            }),
        }
    }
}

/// A recording in a file, which may hold several.
struct Member<'f> {
    file: &'f RecordingFile,
    /// The file's recordings and which of them, or why they cannot be listed.
    at: Result<(Arc<Collection<'static>>, usize), Failure>,
}

impl<'f> Member<'f> {
    /// All recordings of a file, and how many files in it are none.
    fn all_of(file: &'f RecordingFile) -> (Vec<Member<'f>>, usize) {
        let collection = match Collection::open(&file.path) {
            Ok(collection) => Arc::new(collection),
            Err(error) => return (vec![Member { file, at: Err(error.into()) }], 0),
        };
        if collection.is_empty() && file.named {
            // The one that is not there: reading it says so.
            return (vec![Member { file, at: Ok((collection, 0)) }], 0);
        }
        let member = |index| Member { file, at: Ok((Arc::clone(&collection), index)) };
        ((0..collection.len()).map(member).collect(), collection.others())
    }

    /// The path of the file; for one of several recordings, with its place in the file.
    fn path(&self) -> Cow<'f, Path> {
        let name = self.at.as_ref().ok().and_then(|(collection, index)| collection.name(*index));
        match name.filter(|name| !name.is_empty()) {
            Some(name) => Cow::Owned(self.file.path.with_file_name(name)),
            None => Cow::Borrowed(self.file.path.as_path()),
        }
    }
}

/// One way to write outcomes.
trait Writer {
    fn begin(&mut self) -> Result<(), CommandError>;
    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError>;

    fn flush(&mut self) -> Result<(), CommandError> {
        std::io::stdout().flush().map_err(CommandError::Output)
    }
}

impl Output {
    fn writer(self, files: &[RecordingFile], network: Architecture, coverage: Option<f32>) -> Box<dyn Writer> {
        if self.json {
            Box::new(JsonWriter)
        } else if self.csv {
            Box::new(CsvWriter { csv: csv::Writer::from_writer(std::io::stdout()), network })
        } else {
            Box::new(TableWriter::new(files, coverage))
        }
    }
}

struct JsonWriter;

impl Writer for JsonWriter {
    fn begin(&mut self) -> Result<(), CommandError> {
        Ok(())
    }

    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError> {
        let file = file.to_string_lossy();
        let line = serde_json::to_string(&Record::new(&file, outcome));
        print(line.map_err(|error| CommandError::Output(error.into()))?)
    }
}

struct CsvWriter {
    csv: csv::Writer<std::io::Stdout>,
    network: Architecture,
}

impl CsvWriter {
    fn write<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) -> Result<(), CommandError> {
        self.csv.write_record(cells).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => CommandError::Output(error),
            other => CommandError::Output(std::io::Error::other(format!("{other:?}"))),
        })
    }
}

impl Writer for CsvWriter {
    fn begin(&mut self) -> Result<(), CommandError> {
        self.write(CSV_COLUMNS)
    }

    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError> {
        self.write(csv_row(&file.to_string_lossy(), Some(self.network), outcome))
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        self.csv.flush().map_err(CommandError::Output)
    }
}

/// Columns whose widths are known before the first estimate, so that rows can be written as they come.
struct TableWriter {
    file_width: usize,
    coverage: Option<f32>,
}

impl TableWriter {
    /// Longer names push their row to the right.
    const WIDEST_FILE: usize = 48;

    fn new(files: &[RecordingFile], coverage: Option<f32>) -> TableWriter {
        let longest = files.iter().map(|file| file.path.to_string_lossy().chars().count()).max().unwrap_or(0);
        TableWriter { file_width: longest.clamp(4, Self::WIDEST_FILE), coverage }
    }

    fn line(&self, cells: [&str; 7]) -> Result<(), CommandError> {
        let [file, age, range, sex, probability, stated, warnings] = cells;
        let width = self.file_width;
        let line =
            format!("{file:<width$}  {age:>5}  {range:>10}  {sex:<6}  {probability:>9}  {stated:<10}  {warnings}");
        print(line.trim_end())
    }
}

impl Writer for TableWriter {
    fn begin(&mut self) -> Result<(), CommandError> {
        let range = self.coverage.map_or_else(|| "range".to_owned(), |share| format!("{:.0} % range", share * 100.0));
        self.line(["file", "age", &range, "sex", "P(female)", "stated", "warnings"])
    }

    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError> {
        let file = file.to_string_lossy();
        let Estimated { estimate, person } = match outcome {
            Ok(estimated) => estimated,
            Err(Failure { message, .. }) => {
                let width = self.file_width;
                return print(format_args!("{file:<width$}  error: {message}"));
            }
        };
        let dash = || "-".to_owned();
        let age = estimate.age.map_or_else(dash, |age| format!("{:.1}", age.years));
        let interval = estimate.age.and_then(|age| age.interval);
        let range = interval.map_or_else(dash, |(low, high)| format!("{low:.0}-{high:.0}"));
        let sex = estimate.sex.map_or_else(dash, |sex| sex.sex.to_string());
        let probability = estimate.sex.map_or_else(dash, |sex| format!("{:.3}", sex.probability_female));
        let warnings: Vec<String> = estimate.notices.iter().map(Notice::to_string).collect();
        self.line([&file, &age, &range, &sex, &probability, &stated(person), &warnings.join("; ")])
    }
}

/// Age and sex as the file states them; names and identifiers are never written.
fn stated(person: &Person) -> String {
    let age = person.age.map(|age| format!("{age:.0}"));
    let sex = person.sex.map(|sex| sex.to_string());
    let parts: Vec<String> = [age, sex].into_iter().flatten().collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(" ") }
}
