//! The networks: their descriptions, their parameters, and how they run.
//!
//! ```text
//! cnn, dnn, resnet18, multiscale,      what a network is: layers with the numbers of its publication
//! compact, ensemble
//!          | assembly                 sizes worked out, convolutions folded, parameters numbered
//!          v
//! trainable::TrainableNetwork         forward pass with gradients and batch statistics
//!          | deploy                   batch norm folded into the convolutions
//!          v
//! deployed::DeployedNetwork           what estimates; written to and read from weights files, whole or as they arrive
//! ```
//!
//! A further network is a further description of some fifty lines and a line in [`Architecture`].

pub mod arrival;
pub mod assembly;
pub mod deployed;
pub mod description;
pub mod folding;
pub mod keras;
pub mod manifest;
pub mod numbers;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod onnx;
pub mod operation;
pub mod parameter;
pub mod place;
pub mod published;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod trainable;
pub mod weights;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod widening;

mod cnn;
mod compact;
mod dnn;
pub mod ensemble;
mod multiscale;
mod resnet18;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One of the networks that ECGNet knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Attia et al. 2019.
    Cnn,
    /// Ribeiro et al. 2020, Lima et al. 2021.
    Dnn,
    /// He et al. 2015, over samples and leads.
    Resnet18,
    /// The stages of resnet18 three times side by side, with kernels of 3, 5 and 7 samples.
    Multiscale,
    /// ECGNet's own: small, along time.
    Compact,
    /// ECGNet's own: several of the others, averaged.
    Ensemble,
}

impl Architecture {
    pub const ALL: [Architecture; 6] = [
        Architecture::Cnn,
        Architecture::Dnn,
        Architecture::Resnet18,
        Architecture::Multiscale,
        Architecture::Compact,
        Architecture::Ensemble,
    ];

    /// The networks of the publication, whose weights have a published layout.
    pub const PUBLISHED: [Architecture; 4] =
        [Architecture::Cnn, Architecture::Dnn, Architecture::Resnet18, Architecture::Multiscale];

    pub fn name(self) -> &'static str {
        match self {
            Architecture::Cnn => "cnn",
            Architecture::Dnn => "dnn",
            Architecture::Resnet18 => "resnet18",
            Architecture::Multiscale => "multiscale",
            Architecture::Compact => "compact",
            Architecture::Ensemble => "ensemble",
        }
    }

    /// The layers up to the features that the heads read.
    pub fn body(self) -> Vec<description::Layer> {
        match self {
            Architecture::Cnn => cnn::body(),
            Architecture::Dnn => dnn::body(),
            Architecture::Resnet18 => resnet18::body(),
            Architecture::Multiscale => multiscale::body(),
            Architecture::Compact => compact::body(),
            Architecture::Ensemble => ensemble::body(),
        }
    }

    /// One dense layer on the features: 1 value (age / 100 years) or 2 (the logits of male and female).
    pub fn head(self, head: Head) -> description::Convolution {
        let layer = description::dense(format!("{head}.head"), head.outputs());
        match self {
            Architecture::Dnn | Architecture::Compact | Architecture::Ensemble => layer.he_normal(),
            _ => layer,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Architecture::ALL.into_iter().find(|architecture| architecture.name() == text);
        known.ok_or_else(|| {
            let names = Architecture::ALL.map(Architecture::name).join(", ");
            format!("there is no network {text:?}; there are {names}")
        })
    }
}

/// What an output of 1 of the age's head means, in years.
pub const AGE_UNIT: f32 = 100.0;

/// What a dense layer at the end estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// One value, the age in units of [`AGE_UNIT`].
    Age,
    /// Two values, the logits of male and female.
    Sex,
}

impl Head {
    pub const ALL: [Head; 2] = [Head::Age, Head::Sex];

    pub fn outputs(self) -> usize {
        match self {
            Head::Age => 1,
            Head::Sex => 2,
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Head::Age => "age",
            Head::Sex => "sex",
        })
    }
}

/// What a network is trained for: one head, or two on one trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Age,
    Sex,
    Both,
}

impl Target {
    pub fn heads(self) -> &'static [Head] {
        match self {
            Target::Age => &[Head::Age],
            Target::Sex => &[Head::Sex],
            Target::Both => &[Head::Age, Head::Sex],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Target::Age => "age",
            Target::Sex => "sex",
            Target::Both => "both",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Target::Age, Target::Sex, Target::Both].into_iter().find(|target| target.name() == text);
        known.ok_or_else(|| format!("there is no target {text:?}; choose age, sex or both"))
    }
}

/// Samples of the networks' input: 5,000 at 500 Hz and 120 zeros.
pub const INPUT_SAMPLES: usize = crate::signal::INPUT_SAMPLES;
/// Leads of the networks' input.
pub const INPUT_LEADS: usize = crate::signal::LEADS;

/// Epsilon of all batch normalisations (Keras' default).
pub const BATCH_NORM_EPSILON: f32 = 1e-3;
