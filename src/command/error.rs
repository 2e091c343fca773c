//! What a person reads where a command fails.

use crate::dataset::{CacheError, DatasetError, SplitError};
use crate::estimate::EstimatorError;
use crate::network::deployed::DeployError;
use crate::network::keras::KerasError;
use crate::network::manifest::ManifestError;
use crate::network::onnx::OnnxError;
use crate::network::published::PublishedError;
use crate::network::weights::WeightsError;
use crate::network::{Architecture, Head};
use crate::report::ReportError;
use crate::training::{CheckpointError, TrainingError};
use std::io;
use std::path::PathBuf;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("port {port} cannot be served on: {reason}; choose another with --port")]
    Listen { port: u16, reason: String },
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} cannot be written: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("this program was built without {device}; build it with `cargo install --path . --features {device}`")]
    DeviceNotBuilt { device: &'static str },
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    #[error("no {device} device can be opened on this machine ({reason}); --device cpu always works")]
    NoDevice { device: &'static str, reason: String },

    #[error("there is no recording in {0}")]
    NoRecordings(String),
    #[error("{path} holds weights and no recording; --weights takes one path: write it before each of several")]
    WeightsAsRecordings { path: PathBuf },
    #[error("{failed} of {files} recordings could not be estimated")]
    NotEstimated { failed: usize, files: usize },

    #[error("there are no weights in {looked}; name a file or a folder with --weights, or set ECGNET_WEIGHTS")]
    NoWeights { looked: String },
    #[error("{path}: there is neither a manifest.json nor a weights.safetensors in this folder")]
    NoWeightsInFolder { path: PathBuf },
    #[error("{path}: {source}")]
    Manifest { path: PathBuf, source: ManifestError },
    #[error("{path} is no evaluation.json of `ecgnet evaluate`: {source}")]
    Evaluation { path: PathBuf, source: serde_json::Error },
    #[error("{path} says nothing of these trainings: evaluate them first, under the same names")]
    OtherEvaluation { path: PathBuf },
    #[error("two of the trainings estimate the {head} with {network}; release one of them")]
    HeadTwice { network: Architecture, head: Head },
    #[error("{path} holds several weights; name one file")]
    SeveralWeights { path: PathBuf },
    #[error("an ensemble is made of {needed}, not of {given}")]
    Members { given: String, needed: String },
    #[error("{first} and {other} estimate different things or were trained on differently prepared inputs")]
    UnlikeMembers { first: String, other: String },
    #[error("{path}: {source}")]
    Weights { path: PathBuf, source: WeightsError },
    #[error("{path} is not the file that the manifest means: its SHA-256 sum is another; download it again")]
    WeightsChanged { path: PathBuf },
    #[error("there are no weights of {network}; there are: {present}")]
    NoWeightsOf { network: Architecture, present: String },

    #[error("{folder} already holds a training; continue it with --resume, or name another folder with --out")]
    TrainingExists { folder: PathBuf },
    #[error("{folder} holds no checkpoint to continue from; leave --resume out to start a training")]
    NothingToResume { folder: PathBuf },
    #[error("{folder} already holds a training; name another folder with --out")]
    WeightsExist { folder: PathBuf },
    #[error("{folder} cannot be continued, since it was started otherwise:{differences}")]
    OtherTraining { folder: PathBuf, differences: String },
    #[error(
        "the column `group` says neither train, validation and test nor folds 1 to 9; it has: {present}. \
         Say which are for what (--folds TRAIN/VALIDATION/TEST), or split by patient (--by-patient SEED)"
    )]
    UnknownGroups { present: String },
    #[error("the published split is that of SPH, whose metadata.csv is in none of {0}")]
    NoSphTable(String),
    #[error("no record states the {wanted}, which the estimates would be compared with ({part})")]
    NothingStated { wanted: String, part: String },
    #[error("no record with {wanted} is in the {part} part of the split ({split})")]
    EmptyPart { part: String, wanted: String, split: String },

    #[error(
        "{path} is in the form that estimates: batch normalisation is folded into the convolutions and cannot be taken \
         out again. Give the run folder or its checkpoint.safetensors"
    )]
    Folded { path: PathBuf },
    #[error(
        "{path} is of the ensemble, which has no published layout: export its members' trainings, or an ONNX graph (.onnx)"
    )]
    NotPublished { path: PathBuf },
    #[error(
        "{path} is no weights file of ECGNet but {found}; `ecgnet import` makes one of parameters in Keras' HDF5 (.h5) or \
         safetensors"
    )]
    OtherFile { path: PathBuf, found: &'static str },
    #[error("{path} is of {found}, not of {expected}")]
    OtherNetwork { path: PathBuf, found: String, expected: String },
    #[error("{path}: {source}")]
    Keras { path: PathBuf, source: KerasError },
    #[error("{path}: {source}")]
    Published { path: PathBuf, source: PublishedError },
    #[error("{path}: {source}")]
    Onnx { path: PathBuf, source: OnnxError },
    #[error("{path}: the name must end in .h5, .safetensors or .onnx, which says what is written, or --format says it")]
    Ending { path: PathBuf },

    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error(transparent)]
    Estimator(#[from] EstimatorError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Training(#[from] TrainingError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("an input cannot be read: {0}")]
    Input(io::Error),
}

impl CommandError {
    pub fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> CommandError {
        let path = path.into();
        move |source| CommandError::Read { path, source }
    }

    pub fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> CommandError {
        let path = path.into();
        move |source| CommandError::Write { path, source }
    }

    /// Whether standard output was closed, as `ecgnet predict ... | head` does.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, CommandError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
