//! `ecgnet evaluate`: how well networks do on people whose age and sex are known.

use super::data::{self, DataOptions, Prepared, SplitOptions};
use super::device::DeviceOptions;
use super::error::CommandError;
use super::seen::{self, Evaluated};
use super::weights::{self, NamedWeights, Selection};
use super::{output, print, progress, remark, values};
use crate::dataset::{Dataset, Part, Record, counted};
use crate::network::Head;
use crate::network::weights::Weights;
use crate::report::{Bootstrap, DataSet, Evaluation, NetworkOutcomes, Outcome, TrainingLog, write_predictions_csv};
use crate::signal::Preprocessing;
use crate::training::calibration::{Calibrated, calibrated};
use crate::training::{PreparedExamples, predict};
use burn::tensor::Device;
use clap::{Args, ValueEnum};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Evaluate networks on ECGs of people whose age and sex are known
///
/// Prints the figures with 95 % confidence intervals. With --out, writes report.html, report.md, evaluation.json and the
/// plots. Several weights are compared on the same records; one for age and one for sex of the same network count as
/// one. No identifier is in any report.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet evaluate --data ptb-xl --folds 1-7/8/9 --out report
  ecgnet evaluate --data clinic.csv --part all --weights runs/cnn runs/resnet18 --out report
  ecgnet evaluate --data ptb-xl --split runs/cnn/split.csv --weights runs/cnn --log runs/cnn --out report")]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    split: SplitOptions,
    /// The part of the split that is evaluated [default: test; all where neither the options nor the data say a split]
    #[arg(long, value_enum)]
    part: Option<PartName>,
    /// Weights files, folders that `ecgnet train` wrote, or folders with a manifest.json [default: all weights that come
    /// with the program]
    #[arg(long, num_args = 1.., value_name = "PATH")]
    weights: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    /// Folder for the report
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A table of every single estimate, with identifiers
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Folders that `ecgnet train` wrote, whose training curves go into the report
    #[arg(long = "log", num_args = 1.., value_name = "FOLDER", requires = "out")]
    logs: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartName {
    Train,
    Validation,
    Test,
    All,
}

impl PartName {
    fn part(self) -> Option<Part> {
        match self {
            PartName::Train => Some(Part::Train),
            PartName::Validation => Some(Part::Validation),
            PartName::Test => Some(Part::Test),
            PartName::All => None,
        }
    }
}

/// What a training calls its metrics.
pub const RUN_METRICS: &str = "metrics.csv";

/// Records between two movements of the progress bar.
const RECORDS_AT_ONCE: usize = 256;
const BATCH: usize = 32;

pub fn run(options: &Options) -> Result<(), CommandError> {
    let device = options.device.open()?;
    options.predictions.as_deref().map(output::check_file).transpose()?;
    options.out.as_deref().map(output::check_folder).transpose()?;
    let logs = options.logs.iter().map(|path| read_log(path)).collect::<Result<Vec<_>, _>>()?;
    let networks = as_networks(weights::load(&options.weights, Selection::All)?);
    let dataset = options.data.open()?;
    let records = Records::prepare(options, &dataset, &networks)?;
    remark(format_args!("{}: {}", counted(records.chosen.len(), "record", "records"), records.name));
    let warnings = records.warnings(options, &dataset, &networks);
    warnings.iter().for_each(|warning| remark(format_args!("WARNING: {warning}")));

    let mut outcomes = Vec::with_capacity(networks.len());
    for network in &networks {
        outcomes.push(records.outcomes(network, &device)?);
    }
    let data_set = DataSet {
        name: dataset.name.clone(),
        split: records.name.clone(),
        left_out: data::left_out(&dataset, records.first()),
        warnings,
        notes: notes(options),
    };
    let mut evaluation = Evaluation::new(data_set, &outcomes, Bootstrap::default());
    evaluation.training_logs = logs;
    print(evaluation.summary().trim_end())?;
    if let Some(path) = &options.predictions {
        write_predictions_csv(path, &outcomes)?;
    }
    if let Some(folder) = &options.out {
        evaluation.write(folder)?;
        print(format_args!("\nthe report is in {}", folder.join("report.html").display()))?;
    }
    Ok(())
}

/// Weights of one network that estimate together, and what the report calls them.
struct Network {
    name: String,
    parts: Vec<NamedWeights>,
}

impl Network {
    fn can_take(&self, weights: &Weights) -> bool {
        let heads = |weights: &Weights| weights.description.target.heads();
        self.weights().all(|own| {
            own.description.architecture == weights.description.architecture
                && heads(own).iter().all(|head| !heads(weights).contains(head))
        })
    }
}

impl Network {
    fn weights(&self) -> impl Iterator<Item = &Weights> {
        self.parts.iter().map(|part| &part.weights)
    }
}

/// Puts weights for age and for sex of the same network together, in the order given.
fn as_networks(loaded: Vec<NamedWeights>) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for part in loaded {
        match networks.iter_mut().find(|network| network.can_take(&part.weights)) {
            Some(network) => {
                network.name = format!("{} + {}", network.name, part.name);
                network.parts.push(part);
            }
            None => networks.push(Network { name: part.name.clone(), parts: vec![part] }),
        }
    }
    networks
}

/// The records to evaluate on, prepared in each way that a network needs.
struct Records {
    prepared: BTreeMap<&'static str, Prepared>,
    /// The way that decides which records take part.
    first: Preprocessing,
    chosen: Vec<Record>,
    name: String,
}

impl Records {
    fn prepare(options: &Options, dataset: &Dataset, networks: &[Network]) -> Result<Records, CommandError> {
        let mut prepared = BTreeMap::new();
        let mut first = None;
        for weights in networks.iter().flat_map(Network::weights) {
            let preprocessing = weights.description.preprocessing;
            first = first.or(Some(preprocessing));
            if !prepared.contains_key(preprocessing.name()) {
                prepared.insert(preprocessing.name(), options.data.prepare(&dataset.records, preprocessing)?);
            }
        }
        let first = first.unwrap_or(Preprocessing::Time);
        let mut records = Records { prepared, first, chosen: Vec::new(), name: String::new() };
        let usable = records.first().records();
        (records.chosen, records.name) = choose(options, usable)?;
        let heads: BTreeSet<Head> = networks
            .iter()
            .flat_map(Network::weights)
            .flat_map(|weights| weights.description.target.heads())
            .copied()
            .collect();
        if !records.chosen.iter().any(|record| heads.iter().any(|&head| record.states(head))) {
            return Err(CommandError::NothingStated { wanted: values::list(heads), part: records.name });
        }
        Ok(records)
    }

    /// What must be known of networks that have seen some of the records in their training.
    fn warnings(&self, options: &Options, dataset: &Dataset, networks: &[Network]) -> Vec<String> {
        let usable = self.first().records();
        let evaluated = Evaluated {
            name: &dataset.name,
            usable: &usable,
            chosen: &self.chosen,
            data: &options.data.paths,
            is_stated_test: options.split.is_given() && matches!(options.part, None | Some(PartName::Test)),
        };
        let parts = networks.iter().flat_map(|network| &network.parts);
        parts.flat_map(|part| seen::warnings(part, &evaluated)).collect()
    }

    fn first(&self) -> &Prepared {
        &self.prepared[self.first.name()]
    }

    /// What a network says of the chosen records.
    fn outcomes(&self, network: &Network, device: &Device) -> Result<NetworkOutcomes, CommandError> {
        let blank = |record: &Record| Outcome {
            id: record.id.clone(),
            patient: record.patient.clone(),
            age: record.age,
            sex: record.sex,
            ..Outcome::default()
        };
        let mut outcomes: Vec<Outcome> = self.chosen.iter().map(blank).collect();
        for weights in network.weights() {
            for (id, said) in self.estimates(weights, device)? {
                let outcome = &mut outcomes[id];
                outcome.predicted_age = outcome.predicted_age.or(said.age);
                outcome.age_low = outcome.age_low.or(said.age_interval.map(|interval| interval.0));
                outcome.age_high = outcome.age_high.or(said.age_interval.map(|interval| interval.1));
                outcome.probability_female = outcome.probability_female.or(said.probability_female);
            }
        }
        let architecture = network.weights().next().map(|weights| weights.description.architecture.to_string());
        let calibration = network.weights().map(|weights| &weights.description.calibration);
        let age_coverage = calibration
            .filter(|calibration| calibration.age_half_width.is_some())
            .map(|calibration| f64::from(calibration.age_coverage))
            .next();
        let (network, weights) = (architecture.unwrap_or_default(), network.name.clone());
        Ok(NetworkOutcomes { network, weights, age_coverage, outcomes })
    }

    /// What one weights file says of the chosen records, by their number.
    fn estimates(&self, weights: &Weights, device: &Device) -> Result<Vec<(usize, Calibrated)>, CommandError> {
        let description = &weights.description;
        let set = &self.prepared[description.preprocessing.name()].set;
        let position: HashMap<&str, usize> =
            set.records().iter().enumerate().map(|(position, record)| (record.id.as_str(), position)).collect();
        let places: Vec<(usize, usize)> = self
            .chosen
            .iter()
            .enumerate()
            .filter_map(|(number, record)| Some((number, *position.get(record.id.as_str())?)))
            .collect();
        let network = weights.network(device)?;
        let bar = progress::bar(places.len(), description.architecture.name());
        let mut estimates = Vec::with_capacity(places.len());
        for places in places.chunks(RECORDS_AT_ONCE) {
            let examples = PreparedExamples::new(set, places.iter().map(|(_, position)| *position).collect());
            let said = predict(&network, &examples, BATCH).map_err(CommandError::Input)?;
            let said = said.into_iter().map(|prediction| calibrated(prediction, &description.calibration));
            estimates.extend(places.iter().map(|(number, _)| *number).zip(said));
            bar.inc(places.len() as u64);
        }
        bar.finish_and_clear();
        Ok(estimates)
    }
}

/// The records of the part that is asked for, and what to call them.
fn choose(options: &Options, usable: Vec<Record>) -> Result<(Vec<Record>, String), CommandError> {
    let says_parts = options.split.is_given() || data::offers_parts(&usable);
    let part = options.part.unwrap_or(if says_parts { PartName::Test } else { PartName::All });
    let Some(part) = part.part() else { return Ok((usable, "all records".to_owned())) };
    let split = options.split.choose(&usable, &options.data.paths)?;
    let chosen: Vec<Record> =
        split.split.positions(part, &usable).into_iter().map(|position| usable[position].clone()).collect();
    if chosen.is_empty() {
        let wanted = "an ECG".to_owned();
        return Err(CommandError::EmptyPart { part: part.to_string(), wanted, split: split.name });
    }
    Ok((chosen, format!("{part} part, {}", split.name)))
}

fn notes(options: &Options) -> Vec<String> {
    let raw_only = "Records that their publisher had already standardised were left out.".to_owned();
    options.data.raw_only().then_some(raw_only).into_iter().collect()
}

/// The training log of a run folder, or a metrics file, with its name.
fn read_log(path: &Path) -> Result<(String, TrainingLog), CommandError> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.and_then(|folder| folder.canonicalize().ok());
    let name = folder.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let file = if path.is_dir() { path.join(RUN_METRICS) } else { path.to_owned() };
    Ok((name, TrainingLog::read(&file)?))
}
