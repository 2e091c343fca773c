//! Age and sex from a standard 12-lead ECG.
//!
//! ```text
//! bytes --> format --> ecg --> signal --> network --> estimate --> web      (browser)
//!                                           ^            +------> command  (terminal)
//!                       dataset --> training --> weights --------^
//! ```
//!
//! - [`mod@format`]: readers of ECG files, each recognised by its content.
//! - [`ecg`]: one recording: leads in millivolt, sampling rate, the person.
//! - [`signal`]: from a recording to a network's input; heart rate and signal quality.
//! - [`network`]: the networks, their parameters and weights files.
//! - [`estimate`]: a recording and weights to an age and a sex.
//! - `device`, in a browser or with the feature `wgpu`: the graphics device that a network may run on.
//!
//! With the feature `native` (the default) also [`dataset`], [`training`] and [`report`], and the command `ecgnet`.
//!
//! ```no_run,ignore-wasm32
//! use ecgnet::estimate::Estimator;
//! use ecgnet::network::weights::Weights;
//! use ecgnet::signal::Window;
//!
//! let ecg = ecgnet::format::open("A0001.hea".as_ref(), &Default::default())?;
//! let weights = Weights::from_bytes(&std::fs::read("weights/compact-both.safetensors")?)?;
//! let estimator = Estimator::new(vec![weights], &burn::tensor::Device::flex())?;
//! let estimate = estimator.estimate(&ecg, Window::default())?;
//! println!("{:?} {:?}", estimate.age, estimate.sex);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(gpu)]
pub mod device;
pub mod ecg;
pub mod estimate;
pub mod format;
pub mod network;
pub mod signal;

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod dataset;
pub mod outcome;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod report;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod training;

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod command;

#[cfg(any(target_arch = "wasm32", test))]
pub mod web;
