//! Finding weights on disk.

use super::error::CommandError;
use super::parameters::HDF5;
use super::values;
use crate::network::Architecture;
use crate::network::manifest::{Entry, Manifest, sha256};
use crate::network::weights::{Precision, Weights};
use std::path::{Path, PathBuf};

pub const MANIFEST: &str = "manifest.json";
/// What a training leaves in its folder: the best epoch's weights, and who is in which part.
pub const RUN_WEIGHTS: &str = "weights.safetensors";
pub const RUN_SPLIT: &str = "split.csv";
const FOLDER_VARIABLE: &str = "ECGNET_WEIGHTS";

/// Weights with what a report calls them.
#[derive(Debug)]
pub struct NamedWeights {
    pub name: String,
    pub path: PathBuf,
    pub weights: Weights,
}

/// Which networks of a folder with a manifest are meant.
#[derive(Debug, Clone, Copy)]
pub enum Selection {
    /// One network, by default the manifest's.
    One(Option<Architecture>),
    All,
}

/// Loads weights files, those of run folders and of folders with a manifest; without paths, those that come with the
/// program.
pub fn load(paths: &[PathBuf], selection: Selection) -> Result<Vec<NamedWeights>, CommandError> {
    if paths.is_empty() {
        return load_listed(&folder()?, selection);
    }
    let mut loaded = Vec::new();
    for path in paths {
        if !path.is_dir() {
            loaded.push(load_file(path)?);
        } else if path.join(MANIFEST).is_file() {
            loaded.extend(load_listed(path, selection)?);
        } else if path.join(RUN_WEIGHTS).is_file() {
            loaded.push(load_file(&path.join(RUN_WEIGHTS))?);
        } else {
            return Err(CommandError::NoWeightsInFolder { path: path.clone() });
        }
    }
    let Selection::One(Some(network)) = selection else { return Ok(loaded) };
    let present = values::list(loaded.iter().map(|named| named.weights.description.architecture));
    loaded.retain(|named| named.weights.description.architecture == network);
    if loaded.is_empty() { Err(CommandError::NoWeightsOf { network, present }) } else { Ok(loaded) }
}

/// The folder of weights that come with the program, and its manifest; `None` where there is none.
pub fn manifest() -> Result<Option<(PathBuf, Manifest)>, CommandError> {
    match folder() {
        Ok(folder) => read_manifest(&folder).map(|manifest| Some((folder, manifest))),
        Err(CommandError::NoWeights { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first folder with a manifest among: what ECGNET_WEIGHTS says, `weights`, `weights` beside the program,
/// `share/ecgnet/weights` beside its folder and, in a development build, the repository's.
fn folder() -> Result<PathBuf, CommandError> {
    let candidates = match std::env::var_os(FOLDER_VARIABLE) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => usual_folders(),
    };
    let looked = values::list(candidates.iter().map(|folder| folder.display()));
    let found = candidates.into_iter().find(|folder| folder.join(MANIFEST).is_file());
    found.ok_or(CommandError::NoWeights { looked })
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("weights")];
    let program = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    if let Some(beside) = program.as_deref().and_then(Path::parent) {
        folders.push(beside.join("weights"));
        folders.extend(beside.parent().map(|above| above.join("share/ecgnet/weights")));
    }
    if cfg!(debug_assertions) {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("weights"));
    }
    folders
}

pub fn read_manifest(folder: &Path) -> Result<Manifest, CommandError> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read(&path).map_err(CommandError::read(&path))?;
    Manifest::from_json(&text).map_err(|source| CommandError::Manifest { path, source })
}

fn load_listed(folder: &Path, selection: Selection) -> Result<Vec<NamedWeights>, CommandError> {
    let manifest = read_manifest(folder)?;
    let entries: Vec<&Entry> = match selection {
        Selection::All => manifest.architectures().flat_map(|network| manifest.of(network)).collect(),
        Selection::One(network) => {
            let network = network.unwrap_or(manifest.default);
            let entries = manifest.of(network);
            if entries.is_empty() {
                let present = values::list(manifest.architectures());
                return Err(CommandError::NoWeightsOf { network, present });
            }
            entries
        }
    };
    entries.into_iter().map(|entry| load_entry(folder, entry)).collect()
}

fn load_entry(folder: &Path, entry: &Entry) -> Result<NamedWeights, CommandError> {
    let path = folder.join(&entry.file);
    let bytes = std::fs::read(&path).map_err(CommandError::read(&path))?;
    if sha256(&bytes) != entry.sha256.to_ascii_lowercase() {
        return Err(CommandError::WeightsChanged { path });
    }
    parse(&path, &bytes)
}

fn load_file(path: &Path) -> Result<NamedWeights, CommandError> {
    parse(path, &std::fs::read(path).map_err(CommandError::read(path))?)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<NamedWeights, CommandError> {
    if let Some(found) = other_file(path, bytes) {
        return Err(CommandError::OtherFile { path: path.to_owned(), found });
    }
    let weights = Weights::from_bytes(bytes).map_err(|source| CommandError::Weights { path: path.into(), source })?;
    Ok(NamedWeights { name: name_of(path), path: path.to_owned(), weights })
}

/// What else than a weights file it is, as far as that can be told.
fn other_file(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    let is_onnx = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    if bytes.starts_with(HDF5) { Some("an HDF5 file") } else { is_onnx.then_some("an ONNX graph") }
}

/// The name of the file, or of the run folder it lies in: no path of this machine.
pub fn name_of(path: &Path) -> String {
    let text = |name: Option<&std::ffi::OsStr>| name.map(|name| name.to_string_lossy().into_owned());
    let folder = || text(path.canonicalize().ok()?.parent()?.file_name());
    let own = text(path.file_stem()).unwrap_or_default();
    if path.file_name().is_some_and(|name| name == RUN_WEIGHTS) { folder().unwrap_or(own) } else { own }
}

/// Writes a weights file; an older one is replaced only when the new one is complete.
pub fn write(path: &Path, weights: &Weights, precision: Precision) -> Result<(), CommandError> {
    let bytes =
        weights.to_bytes(precision).map_err(|source| CommandError::Weights { path: path.to_owned(), source })?;
    crate::training::replace_file(path, &bytes).map_err(CommandError::write(path))
}
