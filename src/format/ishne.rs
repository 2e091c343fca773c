//! ISHNE.

use super::error::Place;
use super::recording::Recording;
use super::{Format, FormatError, ReadOptions, Source};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["ecg"], recognises, read };

const NAME: &str = "ISHNE Holter";

fn recognises(_source: &Source<'_>) -> bool {
    false
}

fn read(source: &Source<'_>, _options: &ReadOptions) -> Result<Recording, FormatError> {
    Err(Place { file: source.name, format: NAME }.not_an_ecg(""))
}
