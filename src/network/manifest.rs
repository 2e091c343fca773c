//! Which weights there are: `manifest.json` in a folder of weights files.
//!
//! ```json
//! {
//!   "default": "resnet18",
//!   "networks": [
//!     {
//!       "network": "resnet18", "target": "both", "file": "resnet18.safetensors", "bytes": 8912345,
//!       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
//!       "preprocessing": "time",
//!       "training": { "command": "ecgnet train ...", "data": "ptbxl", "data_licence": "CC BY 4.0", "epochs": 30 },
//!       "figures": [ { "data": "ptbxl", "split": "fold 9", "records": 384,
//!                      "age_mae": { "value": 8.1, "low": 7.6, "high": 8.7 } } ]
//!     }
//!   ]
//! }
//! ```

use super::{Architecture, Target};
use crate::signal::Preprocessing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The weights in a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The network that estimates where none is asked for.
    pub default: Architecture,
    pub networks: Vec<Entry>,
}

/// One weights file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub network: Architecture,
    pub target: Target,
    /// The bare name of the file, which lies beside the manifest.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 sum in hexadecimal digits.
    pub sha256: String,
    pub preprocessing: Preprocessing,
    /// How the weights came about: the command, the data and its licence, the epochs.
    #[serde(default)]
    pub training: serde_json::Map<String, serde_json::Value>,
    /// What the network reached on data that it was not trained on.
    #[serde(default)]
    pub figures: Vec<Figures>,
    /// What storing kernels with 8 bits changed, where that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
}

/// How far estimates of rounded weights are from those before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    pub data: String,
    pub records: u64,
    /// In years, of either sign.
    pub mean_age_change: Option<f64>,
    /// The share of people whose more probable sex is another one.
    pub sex_changes: Option<f64>,
}

/// How well a network did on the people of one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub data: String,
    pub split: String,
    pub records: u64,
    /// Mean absolute error of the age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_mae: Option<Figure>,
    /// The mean absolute error, in years, of always answering these people's mean age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_age_mae: Option<f64>,
    /// The share of people whose age lies in the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_interval_coverage: Option<Figure>,
    /// Area under the ROC curve of the sex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex_auc: Option<Figure>,
    /// The share of people whose sex is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex_accuracy: Option<Figure>,
    /// Expected calibration error of the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex_calibration_error: Option<Figure>,
    /// What that error would be for as many people if every probability were right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex_calibration_error_by_chance: Option<Figure>,
}

/// A figure with the ends of its 95 % confidence interval, where there are enough people for one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Entry {
    /// Whether this is the SHA-256 sum that is stated.
    pub fn has_sum(&self, sum: &[u8]) -> bool {
        digits(sum).eq_ignore_ascii_case(&self.sha256)
    }
}

/// A SHA-256 sum in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

fn digits(sum: &[u8]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a text is not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the manifest names the file {0:?}; only names of files beside it are allowed")]
    FileName(String),
    #[error("the manifest's default is {0}, of which it lists no weights")]
    Default(Architecture),
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Where the text is not a manifest, a file is not beside it, or there are no weights of the default network.
    pub fn from_json(text: &[u8]) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = serde_json::from_slice(text)?;
        let outside = |name: &str| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']);
        if let Some(entry) = manifest.networks.iter().find(|entry| outside(&entry.file)) {
            return Err(ManifestError::FileName(entry.file.clone()));
        }
        if manifest.of(manifest.default).is_empty() {
            return Err(ManifestError::Default(manifest.default));
        }
        Ok(manifest)
    }

    /// The manifest as text that [`Manifest::from_json`] reads.
    pub fn to_json(&self) -> String {
        // Of plain names, numbers and texts there is nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The weights that one network estimates with: those with both heads, or else those of age and of sex, as far as
    /// they are there. Empty where there are none.
    pub fn of(&self, network: Architecture) -> Vec<&Entry> {
        let find = |target| self.networks.iter().find(|entry| entry.network == network && entry.target == target);
        match find(Target::Both) {
            Some(both) => vec![both],
            None => [Target::Age, Target::Sex].into_iter().filter_map(find).collect(),
        }
    }

    /// The networks of which there are weights.
    pub fn architectures(&self) -> impl Iterator<Item = Architecture> {
        Architecture::ALL.into_iter().filter(|network| !self.of(*network).is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(default: &str, entries: &[(&str, &str, &str)]) -> Result<Manifest, ManifestError> {
        let entry = |(network, target, file): &(&str, &str, &str)| {
            serde_json::json!({
                "network": network, "target": target, "file": file, "bytes": 1, "sha256": "", "preprocessing": "time"
            })
        };
        let networks: Vec<_> = entries.iter().map(entry).collect();
        Manifest::from_json(serde_json::json!({ "default": default, "networks": networks }).to_string().as_bytes())
    }

    #[test]
    fn both_heads_in_one_file_come_before_two_files() {
        let entries = [("cnn", "sex", "c"), ("cnn", "age", "b"), ("dnn", "age", "d"), ("dnn", "both", "e")];
        let manifest = manifest("cnn", &entries).unwrap();
        let files = |network| manifest.of(network).iter().map(|entry| entry.file.as_str()).collect::<Vec<_>>();
        assert_eq!(files(Architecture::Cnn), ["b", "c"]);
        assert_eq!(files(Architecture::Dnn), ["e"]);
        assert_eq!(manifest.architectures().collect::<Vec<_>>(), [Architecture::Cnn, Architecture::Dnn]);
    }

    #[test]
    fn files_lie_beside_the_manifest() {
        for name in ["../secret", "/etc/passwd", "a/b", "c:\\d", "", ".hidden"] {
            assert!(matches!(manifest("cnn", &[("cnn", "age", name)]), Err(ManifestError::FileName(_))), "{name}");
        }
    }

    #[test]
    fn the_default_must_be_there() {
        let error = manifest("dnn", &[("cnn", "age", "a")]).unwrap_err();
        assert!(matches!(error, ManifestError::Default(Architecture::Dnn)), "{error}");
    }
}
