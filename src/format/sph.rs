//! Records of the Shandong Provincial Hospital database (SPH): HDF5 files (`.h5`) with one dataset `ecg`.
//!
//! # Overview
//! Liu et al. 2022, *A large-scale multi-label 12-lead electrocardiogram database with standardized diagnostic
//! statements*, Scientific Data 9:272. Each file is one ECG: 12 leads x samples in the usual order, millivolt as
//! half-precision floating point, 500 Hz, in gzip chunks. The file itself does not say unit, rate or leads; they are
//! taken from the publication where the dataset has that type and shape.
//!
//! A dataset `ecg` of another number type or orientation is read as the bare array that it is: unit, rate and lead order
//! are assumed as for [NumPy arrays](super::npy), and said in notices.
//!
//! # Encodings
//! HDF5 of all versions, through the pure-Rust crate hdf5-pure: contiguous and chunked storage with deflate, shuffle
//! and checksum filters; IEEE floating point of 2, 4 and 8 bytes and integers of 1 to 8 bytes in either byte order.

use std::collections::BTreeSet;

use hdf5_pure::{ChunkIndex, Dataset, Datatype, DatatypeByteOrder, File, Layout};

use super::error::Place;
use super::matrix::{self, Axes, Stated};
use super::number::{Kind, Number};
use super::recording::{MAXIMUM_VALUES, Recording, shortened};
use super::{Format, FormatError, ReadOptions, Source, Unit};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["h5"], recognises, read };

const NAME: &str = "HDF5";

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The dataset that holds the leads.
const DATASET: &str = "ecg";

/// The same in messages.
const PLACE: &str = "the dataset ecg";

/// The rate of all records, by the publication.
const SAMPLING_RATE: f64 = 500.0;

/// Chunks may reach over the end of the dataset; with what lies there, so many samples are decompressed.
const MAXIMUM_CHUNKED_VALUES: u64 = 2 * MAXIMUM_VALUES;

fn recognises(source: &Source<'_>) -> bool {
    source.bytes.starts_with(SIGNATURE)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let file =
        File::from_bytes(source.bytes.to_vec()).map_err(|error| place.damaged("the beginning", error.to_string()))?;
    check_length(&file, source.bytes.len() as u64, place)?;
    let dataset = find_dataset(&file, place)?;
    let damaged = |error: hdf5_pure::Error| place.damaged(PLACE, error.to_string());
    let shape = dataset.shape().map_err(damaged)?;
    let datatype = dataset.datatype().map_err(damaged)?;
    let number = number(&datatype)
        .ok_or_else(|| place.unsupported(PLACE, "its number type", "store it as 32-bit floating point"))?;
    check_size(&shape, place)?;
    let axes = Axes::find(&shape, false, options, place)?;
    check_storage(&dataset, &shape, place)?;
    let bytes = dataset.read_raw().map_err(damaged)?;
    let as_published = number.kind == Kind::Float && number.size == 2 && axes.leads == 12 && axes.is_leads_first();
    let stated = if as_published {
        Stated { unit: Some(Unit::Millivolt), sampling_rate: Some(SAMPLING_RATE), lead_order: true }
    } else {
        Stated::default()
    };
    let mut recording = matrix::read(&bytes, number, axes, stated, options, place)?;
    // The records are named after their files, and the table of the persons by the records.
    recording.person.id = Some(source.stem().to_owned());
    Ok(recording)
}

/// Compares the size of the file with the one that it states itself.
fn check_length(file: &File, available: u64, place: Place<'_>) -> Result<(), FormatError> {
    let needed = file.superblock().eof_address;
    if needed > available {
        Err(place.truncated("the file as its header states it", needed, available))
    } else {
        Ok(())
    }
}

fn find_dataset(file: &File, place: Place<'_>) -> Result<Dataset, FormatError> {
    file.dataset(DATASET).map_err(|error| match file.root().datasets() {
        Ok(names) if !names.iter().any(|name| name == DATASET) => {
            let found = match names.is_empty() {
                true => "there is none".to_owned(),
                false => format!("it has {}", shortened(&names)),
            };
            place.not_an_ecg(format!("a dataset named {DATASET:?} is needed at the top of the file, but {found}"))
        }
        _ => place.damaged(PLACE, error.to_string()),
    })
}

/// Refuses what would take too much memory, before any of it is read.
fn check_size(shape: &[u64], place: Place<'_>) -> Result<(), FormatError> {
    let values = shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length));
    if values.is_some_and(|values| values <= MAXIMUM_VALUES) {
        return Ok(());
    }
    Err(FormatError::TooLarge {
        file: place.file.to_owned(),
        size: format!("a dataset of the shape {shape:?}"),
        limit: format!("{MAXIMUM_VALUES} samples"),
    })
}

/// Checks that every sample was stored. By the rules of HDF5 what is not stored reads as zero, which would pass for a
/// flat ECG.
fn check_storage(dataset: &Dataset, shape: &[u64], place: Place<'_>) -> Result<(), FormatError> {
    let damaged = |reason: String| place.damaged(PLACE, reason);
    let chunk_shape = match dataset.layout().map_err(|error| damaged(error.to_string()))? {
        Layout::Contiguous { address: None, .. } => return Err(damaged("its samples were never stored".to_owned())),
        Layout::Chunked { index: ChunkIndex::BTreeV2, .. } => {
            return Err(place.unsupported(PLACE, "the index of its chunks", "store it without unlimited axes"));
        }
        Layout::Chunked { chunk_shape, .. } => chunk_shape,
        _ => return Ok(()),
    };
    let grid = Grid::new(shape, &chunk_shape)
        .ok_or_else(|| damaged(format!("it has the shape {shape:?}, its chunks {chunk_shape:?}")))?;
    let chunks = dataset.chunks().map_err(|error| damaged(error.to_string()))?;
    let places: Option<BTreeSet<Vec<u64>>> = chunks.iter().map(|chunk| grid.place(&chunk.offset)).collect();
    let places = places.ok_or_else(|| damaged("a chunk of its samples lies outside".to_owned()))?;
    if places.len() as u64 != grid.count || chunks.len() as u64 != grid.count {
        return Err(damaged(format!("{} of its {} chunks of samples are there", places.len(), grid.count)));
    }
    Ok(())
}

/// The chunks into which a dataset is divided.
struct Grid<'a> {
    shape: &'a [u64],
    chunk_shape: &'a [u64],
    count: u64,
}

impl Grid<'_> {
    /// `None` where the chunks do not fit the shape or, with what of them lies outside of it, take too much memory.
    fn new<'a>(shape: &'a [u64], chunk_shape: &'a [u64]) -> Option<Grid<'a>> {
        if shape.len() != chunk_shape.len() || chunk_shape.contains(&0) {
            return None;
        }
        let (mut count, mut values) = (1u64, 1u64);
        for (length, chunk) in shape.iter().zip(chunk_shape) {
            let along = length.div_ceil(*chunk);
            count = count.checked_mul(along)?;
            values = values.checked_mul(along.checked_mul(*chunk)?)?;
        }
        (values <= MAXIMUM_CHUNKED_VALUES).then_some(Grid { shape, chunk_shape, count })
    }

    /// Which chunk begins at this sample; `None` where none does.
    fn place(&self, offset: &[u64]) -> Option<Vec<u64>> {
        let axes = offset.iter().zip(self.shape).zip(self.chunk_shape);
        let places: Option<Vec<u64>> = axes
            .map(|((start, length), chunk)| (start < length && start % chunk == 0).then_some(start / chunk))
            .collect();
        places.filter(|places| places.len() == self.shape.len())
    }
}

fn number(datatype: &Datatype) -> Option<Number> {
    let (kind, size, order) = match datatype {
        Datatype::FloatingPoint { size, byte_order, layout } => {
            // Sign, exponent and mantissa as in IEEE 754, not bfloat16 or the like.
            let ieee =
                matches!((size, layout.exponent_size, layout.mantissa_size), (2, 5, 10) | (4, 8, 23) | (8, 11, 52));
            if !ieee {
                return None;
            }
            (Kind::Float, size, byte_order)
        }
        Datatype::FixedPoint { size, byte_order, layout } => {
            (if layout.signed { Kind::Signed } else { Kind::Unsigned }, size, byte_order)
        }
        _ => return None,
    };
    let big_endian = match order {
        DatatypeByteOrder::LittleEndian => false,
        DatatypeByteOrder::BigEndian => true,
        DatatypeByteOrder::Vax => return None,
    };
    Number::new(kind, usize::try_from(*size).ok()?, big_endian)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead, Notice};
    use crate::format::NoCompanions;
    use crate::format::testing::{damaged, synthetic};
    use hdf5_pure::{DatasetBuilder, FileBuilder, FloatingPointLayout};
    use proptest::prelude::*;

    fn half_precision() -> Datatype {
        Datatype::FloatingPoint {
            size: 2,
            byte_order: DatatypeByteOrder::LittleEndian,
            layout: FloatingPointLayout {
                bit_offset: 0,
                bit_precision: 16,
                exponent_location: 10,
                exponent_size: 5,
                mantissa_location: 0,
                mantissa_size: 10,
                exponent_bias: 15,
            },
        }
    }

    fn file(name: &str, fill: impl FnOnce(&mut DatasetBuilder)) -> Vec<u8> {
        let mut builder = FileBuilder::new();
        fill(builder.create_dataset(name));
        builder.finish().unwrap()
    }

    fn halves(samples: usize) -> Vec<half::f16> {
        synthetic(samples).into_iter().flatten().map(half::f16::from_f32).collect()
    }

    fn published(samples: usize) -> Vec<u8> {
        file(DATASET, |dataset| {
            let bytes = halves(samples).into_iter().flat_map(half::f16::to_le_bytes).collect();
            dataset
                .with_raw_data(half_precision(), bytes, 12 * samples as u64)
                .with_shape(&[12, samples as u64])
                .with_chunks(&[3, samples as u64 / 4])
                .with_deflate(4);
        })
    }

    fn read_file(bytes: &[u8]) -> Result<Ecg, FormatError> {
        crate::format::read("A00001.h5", bytes, &NoCompanions, &ReadOptions::default())
    }

    #[test]
    fn a_record_as_published_is_read_back_without_assumptions() {
        let ecg = read_file(&published(5000)).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples(), &ecg.notices[..]), (500.0, 5000, &[][..]));
        assert_eq!(ecg.person.id.as_deref(), Some("A00001"));
        for ((lead, samples), (expected_lead, expected)) in
            ecg.leads().iter().zip(Lead::ALL.iter().zip(halves(5000).chunks(5000)))
        {
            assert_eq!(lead, expected_lead);
            assert!(samples.iter().zip(expected).all(|(a, b)| *a == b.to_f32()));
        }
    }

    #[test]
    fn other_number_types_and_filters_are_bare_arrays() {
        let expected = synthetic(2500);
        let flat: Vec<f32> = expected.iter().flatten().copied().collect();
        let alternating: Vec<f32> =
            (0..2500).flat_map(|sample| expected.iter().map(move |lead| lead[sample])).collect();
        for bytes in [
            file(DATASET, |dataset| {
                dataset.with_f32_data(&flat).with_shape(&[12, 2500]);
            }),
            file(DATASET, |dataset| {
                dataset.with_f32_data(&flat).with_shape(&[12, 2500]).with_chunks(&[5, 700]);
                dataset.with_shuffle().with_deflate(9).with_fletcher32();
            }),
            file(DATASET, |dataset| {
                dataset.with_f32_data(&alternating).with_shape(&[2500, 12]);
            }),
        ] {
            let ecg = read_file(&bytes).unwrap();
            assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&expected));
            assert!(ecg.notices.contains(&Notice::SamplingRateAssumed { assumed: 250.0 }));
            assert!(ecg.notices.contains(&Notice::LeadOrderAssumed(Lead::ALL.to_vec())));
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let other = file("tracings", |dataset| {
            dataset.with_f32_data(&[0.0; 24]).with_shape(&[2, 12]);
        });
        let text = file(DATASET, |dataset| {
            dataset.with_vlen_strings(&["I"]);
        });
        let whole = published(5000);
        for (bytes, code, expected) in [
            (other, "not-an-ecg", "a dataset named \"ecg\" is needed at the top of the file, but it has tracings"),
            (FileBuilder::new().finish().unwrap(), "not-an-ecg", "but there is none"),
            (text, "unsupported", "store it as 32-bit floating point"),
            (whole[..whole.len() / 2].to_vec(), "truncated", "bytes are needed for the file as its header states it"),
            (SIGNATURE.to_vec(), "damaged", "the beginning"),
        ] {
            let error = read_file(&bytes).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn samples_that_were_never_stored_are_not_zeros() {
        let grid = Grid::new(&[12, 5000], &[3, 1250]).unwrap();
        assert_eq!(grid.count, 16);
        assert_eq!(grid.place(&[9, 3750]), Some(vec![3, 3]));
        for outside in [&[12, 0][..], &[0, 5000], &[1, 0], &[0], &[u64::MAX, 0]] {
            assert_eq!(grid.place(outside), None);
        }
        assert!(Grid::new(&[12, 5000], &[3]).is_none());
        assert!(Grid::new(&[12, 5000], &[3, 0]).is_none());
        assert!(Grid::new(&[12, 5000], &[3, 1 << 40]).is_none());
        assert!(Grid::new(&[u64::MAX, u64::MAX], &[1, 1]).is_none());
    }

    #[test]
    fn a_huge_claim_is_refused_before_it_is_allocated() {
        let claim = |bytes: u64| {
            file(DATASET, |dataset| {
                dataset.with_f32_data(&[0.0; 24]).with_shape(&[12, 2]).with_chunks(&[12, bytes]).with_deflate(1);
            })
        };
        // The length of the second axis, in every place where the shape is written.
        let mut bytes = claim(2);
        let shape: Vec<u8> = [12u64, 2].into_iter().flat_map(u64::to_le_bytes).collect();
        let found: Vec<usize> = (0..bytes.len() - 16).filter(|&at| bytes[at..at + 16] == shape[..]).collect();
        assert!(!found.is_empty());
        for at in found {
            bytes[at + 8..at + 16].copy_from_slice(&(1u64 << 40).to_le_bytes());
        }
        assert!(matches!(read_file(&bytes).unwrap_err().code(), "too-large" | "damaged"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_files_never_panic(bytes in damaged(published(400))) {
            if let Err(error) = read_file(&bytes) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn any_bytes_after_the_signature_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_file(&[SIGNATURE, &rest].concat());
        }
    }
}
