//! Records of the Shandong Provincial Hospital database (SPH): HDF5 files (`.h5`) with one dataset `ecg`.
//!
//! # Overview
//! Liu et al. 2022, *A large-scale multi-label 12-lead electrocardiogram database with standardized diagnostic
//! statements*, Scientific Data 9:272. Each file is one ECG: 12 leads x samples in the usual order, millivolt as
//! half-precision floating point, 500 Hz, in gzip chunks. The file itself does not say unit, rate or leads; they are
//! taken from the publication where the dataset has that type and shape.

use crate::format::Unit;
use crate::format::matrix::{Axes, Stated};
use crate::format::number::{Kind, Number};

/// The dataset that holds the leads.
pub(super) const DATASET: &str = "ecg";

/// What the publication says of all records.
pub(super) const STATED: Stated = Stated { unit: Some(Unit::Millivolt), sampling_rate: Some(500.0), lead_order: true };

/// Whether the numbers are stored as in the publication.
pub(super) fn is_published(number: Number, axes: Axes) -> bool {
    number.kind == Kind::Float && number.size == 2 && axes.leads == 12 && axes.is_leads_first()
}
