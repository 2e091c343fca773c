//! `ecgnet predict`: age and sex of recordings.

mod table;

use super::device::DeviceOptions;
use super::error::CommandError;
use super::evaluate::RUN_METRICS;
use super::values::{self, LeadOrder};
use super::weights::{self, MANIFEST, NamedWeights, RUN_SPLIT, RUN_WEIGHTS, Selection};
use super::{print, progress, remark, terminal};
use crate::dataset::{RecordingFile, Recordings, recordings};
use crate::ecg::{Ecg, Notice, Sex};
use crate::estimate::Estimator;
use crate::format::{Collection, FormatError, ReadOptions, Unit, is_other_file};
use crate::network::Architecture;
use crate::outcome::{CSV_COLUMNS, Estimated, Failure, Outcome, Record, csv_row};
use crate::signal::{SAMPLING_RATE, WINDOW_SAMPLES, Window};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use table::TableWriter;

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

With --json, a line is an object with file, network, age, age_low, age_high, sex, probability_female, stated_age,
stated_sex and warnings, or with file, network and error (code and message).")]
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
    /// List every file in the folders that is no recording
    #[arg(long)]
    verbose: bool,
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
    let estimator = Estimator::new(weights, &device)?;
    let found = recordings(&options.paths);
    if let Some(path) = options.paths.iter().find(|path| holds_weights_only(path, &found)) {
        return Err(CommandError::WeightsAsRecordings { path: path.clone() });
    }
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
    tally.passed_over.tell(options.verbose);
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
    passed_over: PassedOver,
}

/// Files in folders and archives that are no recordings.
#[derive(Debug, Default)]
struct PassedOver {
    /// The files with the reasons.
    files: Vec<(PathBuf, String)>,
    /// How many more there are in archives.
    in_archives: usize,
}

impl PassedOver {
    const LISTED: usize = 5;

    fn tell(&self, all: bool) {
        let count = self.files.len() + self.in_archives;
        match count {
            0 => return,
            1 => remark("1 other file was passed over: it is no recording"),
            count => remark(format_args!("{count} other files were passed over: they are no recordings")),
        }
        let listed = if all { self.files.len() } else { Self::LISTED };
        for (file, reason) in self.files.iter().take(listed) {
            remark(format_args!("  {}: {reason}", file.display()));
        }
        if self.files.len() > listed {
            remark(format_args!("  and {} more; --verbose lists them", self.files.len() - listed));
        }
    }
}

/// Whether a path is that of weights, and not of recordings: `--weights` takes one path.
fn holds_weights_only(path: &Path, found: &Recordings) -> bool {
    if path.is_file() {
        return path.extension().is_some_and(|extension| extension == "safetensors");
    }
    let is_beside_weights = |file: &RecordingFile| {
        let name = file.path.file_name().unwrap_or_default();
        [RUN_METRICS, RUN_SPLIT, MANIFEST].iter().any(|beside| name == *beside)
    };
    [RUN_WEIGHTS, MANIFEST].iter().any(|name| path.join(name).is_file())
        && found.files.iter().filter(|file| file.path.starts_with(path)).all(is_beside_weights)
}

fn estimate_all(
    estimator: &Estimator,
    reader: &Reader,
    found: &Recordings,
    writer: &mut dyn Writer,
) -> Result<Tally, CommandError> {
    let mut tally = Tally::default();
    let by_name = |path: &PathBuf| (path.clone(), "not named like a recording".to_owned());
    tally.passed_over.files.extend(found.other_files.iter().map(by_name));
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
        let outcomes: Vec<Result<Outcome, FormatError>> = chunk
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
                    Ok(Ok(_)) => tally.estimated += 1,
                    Ok(Err(_)) => tally.failed += 1,
                    Err(error) => tally.passed_over.files.push((member.path().into_owned(), reason(error))),
                }
                if let Ok(outcome) = outcome {
                    writer.row(&member.path(), outcome)?;
                }
            }
            writer.flush()
        })?;
    }
    tally.passed_over.in_archives = others;
    bar.finish_and_clear();
    Ok(tally)
}

/// Why a file is no recording, without its name.
fn reason(error: &FormatError) -> String {
    match error {
        FormatError::UnknownFormat { looks_like, .. } => format!("looks like {looks_like}"),
        FormatError::NotAnEcg { reason, .. } => reason.clone(),
        FormatError::TooFewLeads { found, .. } => format!("has {found}"),
        error => error.to_string(),
    }
}

struct Reader {
    options: ReadOptions,
    window: Window,
}

impl Reader {
    /// Estimates one recording.
    ///
    /// # Errors
    /// Where it was found in a folder or an archive and turns out to be something else.
    fn estimate(&self, estimator: &Estimator, member: &Member<'_>) -> Result<Outcome, FormatError> {
        let (collection, index) = match &member.at {
            Ok(at) => at,
            Err(failure) => return Ok(Err(failure.clone())),
        };
        let name = collection.name(*index).unwrap_or_default();
        let is_named = member.file.named && !name.contains('/');
        match collection.read(*index, &self.options) {
            Err(error) if !is_named && is_other_file(name, &error) => Err(error),
            Err(error) => Ok(Err(error.into())),
            Ok(ecg) => Ok(self.estimate_from(estimator, ecg)),
        }
    }

    fn estimate_from(&self, estimator: &Estimator, ecg: Ecg) -> Outcome {
        let (start, length) = (self.window.start_seconds, ecg.seconds());
        if start > 0.0 && start >= length {
            let message =
                format!("the recording has {length:.1} s, none from second {start} on; give an earlier --start");
            return Err(Failure { code: "start", message });
        }
        let mut estimate = estimator.estimate(&ecg, self.window)?;
        if start > 0.0 && length - start < WINDOW_SECONDS - NEARLY_SECONDS {
            let from = (length - WINDOW_SECONDS).max(0.0);
            let text = format!("less than 10 s follow second {start}: the window begins at second {from:.1} instead");
            estimate.notices.push(Notice::File(text));
        }
        Ok(Estimated { estimate, person: ecg.person })
    }
}

/// What the networks look at.
const WINDOW_SECONDS: f64 = WINDOW_SAMPLES as f64 / SAMPLING_RATE;
/// Less than this is not worth a word.
const NEARLY_SECONDS: f64 = 0.1;

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
            Box::new(JsonWriter { network })
        } else if self.csv {
            Box::new(CsvWriter { csv: csv::Writer::from_writer(std::io::stdout()), network })
        } else {
            Box::new(TableWriter::new(files, coverage, terminal::width()))
        }
    }
}

struct JsonWriter {
    network: Architecture,
}

/// A line of JSON: the record with what the library's has not.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: Record<'a>,
    #[serde(flatten)]
    beside: Beside,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Beside {
    Estimate { stated_age: Option<f32>, stated_sex: Option<Sex> },
    Error { network: Architecture },
}

impl Writer for JsonWriter {
    fn begin(&mut self) -> Result<(), CommandError> {
        Ok(())
    }

    fn row(&mut self, file: &Path, outcome: &Outcome) -> Result<(), CommandError> {
        let file = file.to_string_lossy();
        let beside = match outcome {
            Ok(Estimated { person, .. }) => Beside::Estimate { stated_age: person.age, stated_sex: person.sex },
            Err(_) => Beside::Error { network: self.network },
        };
        let line = serde_json::to_string(&Line { record: Record::new(&file, outcome), beside });
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
