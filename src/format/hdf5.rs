//! HDF5 files (`.h5`, `.hdf5`) of one ECG, or of several.
//!
//! # Overview
//! Two published data sets are known by the names and types of their datasets, which lie at the top of the file:
//!
//! - [`sph`]: `ecg`, one ECG of 12 leads in half precision;
//! - [`code15`]: `tracings`, thousands of ECGs of 4096 samples x 12 leads, with their numbers in `exam_id`.
//!
//! Any other dataset `ecg` or `tracings`, or else the only dataset that may be ECGs, is read as the bare array that it
//! is: unit, rate and lead order are assumed as for [NumPy arrays](super::npy), and said in notices. Of three axes the
//! first one counts ECGs; such a file is a [`Collection`](super::Collection), and of its samples only those of the ECG
//! that is asked for are unpacked, whatever its size.
//!
//! # Encodings
//! HDF5 of all versions, through the pure-Rust crate hdf5-pure: contiguous and chunked storage with deflate, shuffle
//! and checksum filters; IEEE floating point of 2, 4 and 8 bytes and integers of 1 to 8 bytes in either byte order.
//! Chunks that are indexed by a version 2 B-tree (several unlimited axes) are refused.

pub mod code15;
pub mod sph;

use std::collections::{BTreeMap, BTreeSet};

use hdf5_pure::{
    ChunkCacheConfig, ChunkIndex, Dataset, DatasetAccessProperties, Datatype, DatatypeByteOrder, File, Layout,
};

use super::archive;
use super::bytes::Bytes;
use super::error::Place;
use super::matrix::{self, Axes, Stated};
use super::number::{Kind, Number};
use super::recording::{MAXIMUM_VALUES, Recording, shortened};
use super::{Format, FormatError, ReadOptions, Source};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["h5", "hdf5"], recognises, read };

pub(super) const NAME: &str = "HDF5";

pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Chunks may reach over the end of the dataset; with what lies there, so many samples are unpacked for one ECG.
const MAXIMUM_CHUNKED_VALUES: u64 = 2 * MAXIMUM_VALUES;

/// ECGs that follow each other often share chunks: so many bytes of unpacked ones are kept.
const CHUNK_CACHE_SIZE: usize = 128 << 20;

/// An ECG takes more bytes of a file than this, however well it is packed; a file that claims more ECGs is damaged.
const SMALLEST_ECG: u64 = 64;

fn recognises(source: &Source<'_>) -> bool {
    source.bytes.starts_with(SIGNATURE)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let file = open(source.bytes, place)?;
    let found = Found::new(&file, source.bytes.len() as u64, place)?;
    if Axes::of_several(&found.shape).is_some() {
        return Err(place.several(found.shape.first().copied().unwrap_or(0)));
    }
    let axes = Axes::find(&found.shape, false, options, place)?;
    found.check_size(&found.shape, place)?;
    found.check_storage(place)?;
    let bytes = found.dataset.read_raw().map_err(|error| found.refused(error, place))?;
    found.recording(&bytes, axes, options, place)
}

/// Opens a file, which may begin with a block for other use.
pub(super) fn open(bytes: &[u8], place: Place<'_>) -> Result<File, FormatError> {
    let file = File::from_bytes(bytes.to_vec()).map_err(|error| place.damaged("the beginning", error.to_string()))?;
    check_length(&file, bytes.len() as u64, place)?;
    Ok(file)
}

/// The numbers of a dataset.
pub(super) struct Numbers {
    pub shape: Vec<u64>,
    pub number: Number,
    pub bytes: Vec<u8>,
}

impl Numbers {
    /// Reads a dataset that may unpack to so many bytes; `None` where it holds no real numbers.
    pub fn read(name: &str, dataset: Dataset, allowed: u64, place: Place<'_>) -> Result<Option<Numbers>, FormatError> {
        if !dataset.datatype().is_ok_and(|datatype| number(&datatype).is_some()) {
            return Ok(None);
        }
        let found = Found::check(name, dataset, allowed, place)?;
        found.check_size(&found.shape, place)?;
        found.check_storage(place)?;
        let bytes = found.dataset.read_raw().map_err(|error| found.refused(error, place))?;
        Ok(Some(Numbers { shape: found.shape, number: found.number, bytes }))
    }
}

/// A file of several ECGs.
pub(super) struct Several {
    found: Found,
    /// The lengths of the axes of one ECG.
    inner: Vec<u64>,
    /// How many chunks of each row of chunks are stored, and how many there must be; absent where there are none.
    chunks: Option<Rows>,
    pub count: u64,
}

impl Several {
    /// The several ECGs of a file; `None` where it holds one, or something else.
    pub fn open(name: &str, bytes: &Bytes<'_>) -> Option<Several> {
        let place = Place { file: name, format: NAME };
        let file = match bytes {
            Bytes::Memory(bytes) => File::from_bytes((**bytes).as_ref().to_vec()),
            #[cfg(not(target_arch = "wasm32"))]
            Bytes::Disk(disk) => File::from_source(OnDisk(disk.clone())),
        };
        let file = file.ok()?;
        check_length(&file, bytes.length(), place).ok()?;
        let found = Found::new(&file, bytes.length(), place).ok()?;
        let inner = Axes::of_several(&found.shape)?.to_vec();
        let count = found.shape.first().copied()?;
        if count.checked_mul(SMALLEST_ECG)? > bytes.length() {
            return None;
        }
        let chunks = found.rows(&inner);
        Some(Several { found, inner, chunks, count })
    }

    /// Reads the ECG with this number.
    pub fn read(&self, index: u64, options: &ReadOptions, place: Place<'_>) -> Result<Recording, FormatError> {
        self.found.check_size(&self.inner, place)?;
        self.check_storage(index, place)?;
        let axes = Axes::find(&self.inner, false, options, place)?;
        let bytes = self.found.dataset.read_raw_rows(index, 1);
        let bytes = bytes.map_err(|error| self.found.refused(error, place))?;
        self.found.recording(&bytes, axes, options, place)
    }

    /// Checks that every sample of the ECG was stored, see [`Found::check_storage`].
    fn check_storage(&self, index: u64, place: Place<'_>) -> Result<(), FormatError> {
        match (self.found.dataset.layout(), &self.chunks) {
            (Ok(Layout::Chunked { .. }), Some(rows)) => rows.check(index, &self.found, place),
            (Ok(Layout::Chunked { index: kind, .. }), None) if kind != ChunkIndex::BTreeV2 => Err(place.unsupported(
                self.found.place(),
                "the shape of its chunks",
                "store it again with chunks of one ECG each",
            )),
            _ => self.found.check_storage(place),
        }
    }
}

/// The chunks of a dataset by the rows that they form along its first axis.
struct Rows {
    /// The length of a chunk along the first axis.
    length: u64,
    /// How many chunks one row must have.
    needed: u64,
    stored: BTreeMap<u64, u64>,
}

impl Rows {
    fn check(&self, index: u64, found: &Found, place: Place<'_>) -> Result<(), FormatError> {
        let stored = index.checked_div(self.length).and_then(|row| self.stored.get(&row)).copied().unwrap_or(0);
        if stored == self.needed {
            return Ok(());
        }
        Err(place.damaged(found.place(), format!("{stored} of {} chunks of ECG {index} are there", self.needed)))
    }
}

/// The dataset that holds the ECGs.
struct Found {
    name: String,
    dataset: Dataset,
    shape: Vec<u64>,
    number: Number,
    /// So many bytes may be unpacked for one ECG.
    allowed: u64,
}

impl Found {
    /// Finds the dataset by its name, or takes the only one that may be an ECG.
    fn new(file: &File, length: u64, place: Place<'_>) -> Result<Found, FormatError> {
        let check = |name: &str, dataset| Found::check(name, dataset, archive::allowed(length), place);
        for name in [sph::DATASET, code15::DATASET] {
            if let Ok(dataset) = with_cache(file, name) {
                return check(name, dataset);
            }
        }
        let names = file.root().datasets().map_err(|error| place.damaged("the root group", error.to_string()))?;
        if let Some(name) = [sph::DATASET, code15::DATASET].into_iter().find(|name| names.iter().any(|n| n == name)) {
            let reason = with_cache(file, name).err().map(|error| error.to_string());
            return Err(place.damaged(format!("the dataset {name}"), reason.unwrap_or_default()));
        }
        let mut others = names.iter().take(MOST_DATASETS).filter_map(|name| {
            let found = check(name, with_cache(file, name).ok()?).ok()?;
            let single = Axes::find(&found.shape, false, &ReadOptions::default(), place).is_ok();
            (single || Axes::of_several(&found.shape).is_some()).then_some(found)
        });
        match (others.next(), others.next()) {
            (Some(found), None) => Ok(found),
            _ => {
                let listed = match names.is_empty() {
                    true => "there is none".to_owned(),
                    false => format!("it has {}", shortened(&names)),
                };
                let known = format!("{:?} or {:?}", sph::DATASET, code15::DATASET);
                Err(place.not_an_ecg(format!("a dataset named {known} is needed at the top of the file, but {listed}")))
            }
        }
    }

    fn check(name: &str, dataset: Dataset, allowed: u64, place: Place<'_>) -> Result<Found, FormatError> {
        let in_words = format!("the dataset {name}");
        let damaged = |error: hdf5_pure::Error| place.damaged(in_words.as_str(), error.to_string());
        let shape = dataset.shape().map_err(damaged)?;
        let datatype = dataset.datatype().map_err(damaged)?;
        let number = number(&datatype).ok_or_else(|| {
            place.unsupported(in_words.as_str(), "its number type", "store it as 32-bit floating point")
        })?;
        Ok(Found { name: name.to_owned(), dataset, shape, number, allowed })
    }

    /// What cannot be read of the dataset.
    fn refused(&self, error: hdf5_pure::Error, place: Place<'_>) -> FormatError {
        match error {
            hdf5_pure::Error::Format(hdf5_pure::FormatError::InvalidLayoutVersion(version)) => place.unsupported(
                self.place(),
                format!("version {version} of the storage layout"),
                "write the file again without libver=\"latest\"",
            ),
            error => place.damaged(self.place(), error.to_string()),
        }
    }

    /// The dataset in messages.
    fn place(&self) -> String {
        format!("the dataset {}", self.name)
    }

    /// What the numbers of one ECG mean, by the publication that the dataset is known from.
    fn recording(
        &self,
        bytes: &[u8],
        axes: Axes,
        options: &ReadOptions,
        place: Place<'_>,
    ) -> Result<Recording, FormatError> {
        if self.name == sph::DATASET && sph::is_published(self.number, axes) {
            return matrix::read(bytes, self.number, axes, sph::STATED, options, place);
        }
        if self.name == code15::DATASET && code15::is_published(self.number, axes) {
            let recording = matrix::read(bytes, self.number, axes, code15::STATED, options, place)?;
            return code15::without_padding(recording, options, place);
        }
        matrix::read(bytes, self.number, axes, Stated::default(), options, place)
    }

    /// Whether so many numbers, of which there may be `most`, are in proportion to the size of the file.
    fn may_unpack(&self, values: u64, most: u64) -> bool {
        values <= most && values.saturating_mul(self.number.size as u64) <= self.allowed
    }

    /// Refuses what would take too much memory, before any of it is read.
    fn check_size(&self, shape: &[u64], place: Place<'_>) -> Result<(), FormatError> {
        let values = shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length));
        if values.is_some_and(|values| self.may_unpack(values, MAXIMUM_VALUES)) {
            return Ok(());
        }
        let most = MAXIMUM_VALUES.min(self.allowed / self.number.size.max(1) as u64);
        Err(FormatError::TooLarge {
            file: place.file.to_owned(),
            size: format!("a dataset of the shape {shape:?}"),
            limit: format!("{most} samples"),
        })
    }

    /// Checks that every sample was stored. By the rules of HDF5 what is not stored reads as zero, which would pass for
    /// a flat ECG.
    fn check_storage(&self, place: Place<'_>) -> Result<(), FormatError> {
        let damaged = |reason: String| place.damaged(self.place(), reason);
        let chunk_shape = match self.dataset.layout().map_err(|error| self.refused(error, place))? {
            Layout::Contiguous { address: None, .. } => {
                return Err(damaged("its samples were never stored".to_owned()));
            }
            Layout::Chunked { index: ChunkIndex::BTreeV2, .. } => {
                return Err(place.unsupported(
                    self.place(),
                    "the index of its chunks",
                    "store it without unlimited axes",
                ));
            }
            Layout::Chunked { chunk_shape, .. } => chunk_shape,
            _ => return Ok(()),
        };
        let grid = Grid::new(&self.shape, &chunk_shape)
            .filter(|grid| self.may_unpack(grid.values, MAXIMUM_CHUNKED_VALUES))
            .ok_or_else(|| damaged(format!("it has the shape {:?}, its chunks {chunk_shape:?}", self.shape)))?;
        let chunks = self.dataset.chunks().map_err(|error| damaged(error.to_string()))?;
        let places: Option<BTreeSet<Vec<u64>>> = chunks.iter().map(|chunk| grid.place(&chunk.offset)).collect();
        let places = places.ok_or_else(|| damaged("a chunk of its samples lies outside".to_owned()))?;
        if places.len() as u64 != grid.count || chunks.len() as u64 != grid.count {
            return Err(damaged(format!("{} of its {} chunks of samples are there", places.len(), grid.count)));
        }
        Ok(())
    }

    /// The chunks of several ECGs; `None` where there are none, they do not fit the shape, or those of one ECG take too
    /// much memory.
    fn rows(&self, inner: &[u64]) -> Option<Rows> {
        let Layout::Chunked { chunk_shape, index } = self.dataset.layout().ok()? else { return None };
        if index == ChunkIndex::BTreeV2 {
            return None;
        }
        let grid = Grid::new(&self.shape, &chunk_shape)?;
        let (&length, inner_chunk) = chunk_shape.split_first()?;
        let of_one = Grid::new(inner, inner_chunk)?;
        if !self.may_unpack(of_one.values.checked_mul(length)?, MAXIMUM_CHUNKED_VALUES) {
            return None;
        }
        let chunks = self.dataset.chunks().ok()?;
        let places: Option<BTreeSet<Vec<u64>>> = chunks.iter().map(|chunk| grid.place(&chunk.offset)).collect();
        let mut stored = BTreeMap::new();
        for place in places? {
            *stored.entry(place.first().copied()?).or_insert(0) += 1;
        }
        Some(Rows { length, needed: of_one.count, stored })
    }
}

/// Of a file with more datasets, no others are looked at.
const MOST_DATASETS: usize = 16;

fn with_cache(file: &File, name: &str) -> Result<Dataset, hdf5_pure::Error> {
    let cache = ChunkCacheConfig::from_h5p_cache(1 << 14, CHUNK_CACHE_SIZE);
    file.dataset_with_options(name, DatasetAccessProperties::new().with_chunk_cache(cache))
}

/// A file on the disk, of which only the parts that are asked for are read.
#[cfg(not(target_arch = "wasm32"))]
struct OnDisk(super::bytes::Disk);

#[cfg(not(target_arch = "wasm32"))]
impl hdf5_pure::Source for OnDisk {
    fn len(&self) -> u64 {
        self.0.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), hdf5_pure::FormatError> {
        let expected = buffer.len();
        match self.0.read_at(offset, buffer) {
            Ok(available) if available < expected => Err(hdf5_pure::FormatError::UnexpectedEof { expected, available }),
            Ok(_) => Ok(()),
            Err(error) => Err(hdf5_pure::FormatError::Source(error.to_string())),
        }
    }
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

/// The chunks into which a dataset is divided.
struct Grid<'a> {
    shape: &'a [u64],
    chunk_shape: &'a [u64],
    count: u64,
    /// The numbers in all chunks, with those beyond the dataset's end.
    values: u64,
}

impl Grid<'_> {
    /// `None` where the chunks do not fit the shape.
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
        Some(Grid { shape, chunk_shape, count, values })
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
    use crate::format::testing::{damaged, synthetic};
    use crate::format::{Collection, NoCompanions, Unit};
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
        file(sph::DATASET, |dataset| {
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
        assert_eq!(ecg.person.id, None);
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
            file(sph::DATASET, |dataset| {
                dataset.with_f32_data(&flat).with_shape(&[12, 2500]);
            }),
            file(sph::DATASET, |dataset| {
                dataset.with_f32_data(&flat).with_shape(&[12, 2500]).with_chunks(&[5, 700]);
                dataset.with_shuffle().with_deflate(9).with_fletcher32();
            }),
            file(sph::DATASET, |dataset| {
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
        let other = file("rhythm", |dataset| {
            dataset.with_f32_data(&[0.0; 24]).with_shape(&[4, 6]);
        });
        let text = file(sph::DATASET, |dataset| {
            dataset.with_vlen_strings(&["I"]);
        });
        let whole = published(5000);
        for (bytes, code, expected) in [
            (
                other,
                "not-an-ecg",
                "a dataset named \"ecg\" or \"tracings\" is needed at the top of the file, but it has rhythm",
            ),
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
        assert!(Grid::new(&[12, 5000], &[3, 1 << 40]).unwrap().values > MAXIMUM_CHUNKED_VALUES);
        assert!(Grid::new(&[u64::MAX, u64::MAX], &[1, 1]).is_none());
    }

    #[test]
    fn a_huge_claim_is_refused_before_it_is_allocated() {
        let claim = |bytes: u64| {
            file(sph::DATASET, |dataset| {
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

    #[test]
    fn a_dataset_out_of_proportion_to_its_file_is_not_unpacked() {
        let bytes = file(sph::DATASET, |dataset| {
            dataset.with_f32_data(&vec![0.0; 12 * 400_000]).with_shape(&[12, 400_000]);
            dataset.with_chunks(&[12, 100_000]).with_deflate(1);
        });
        let error = read_file(&bytes).unwrap_err();
        assert_eq!(error.code(), "too-large");
        assert!(error.to_string().contains("at most 4194304 samples"), "{error}");
    }

    /// Exams as the program of CODE-15 % stores them: twice the millivolt, between zeros.
    fn exams(lengths: &[usize]) -> Vec<f32> {
        let exam = |&length: &usize| {
            let leads = synthetic(length);
            let before = (4096 - length) / 2;
            (0..4096_usize).flat_map(move |sample| {
                let recorded = sample.checked_sub(before).filter(|&sample| sample < length);
                let value = |lead: &Vec<f32>| recorded.map_or(0.0, |sample| 2.0 * (lead[sample] + 0.5));
                leads.iter().map(value).collect::<Vec<f32>>()
            })
        };
        lengths.iter().flat_map(exam).collect()
    }

    fn code15(lengths: &[usize], fill: impl FnOnce(&mut DatasetBuilder)) -> Vec<u8> {
        let mut builder = FileBuilder::new();
        let dataset = builder.create_dataset(code15::DATASET);
        fill(dataset.with_f32_data(&exams(lengths)).with_shape(&[lengths.len() as u64, 4096, 12]));
        builder.create_dataset("exam_id").with_i64_data(&(1_169_160..).take(lengths.len()).collect::<Vec<i64>>());
        builder.finish().unwrap()
    }

    #[test]
    fn several_exams_are_named_by_their_rows_and_read_one_by_one() {
        let lengths = [2800, 4000, 4001, 4096, 0];
        for bytes in [
            code15(&lengths, |_| {}),
            code15(&lengths, |dataset| {
                dataset.with_chunks(&[2, 1000, 5]).with_shuffle().with_deflate(4);
            }),
        ] {
            let error = read_file(&bytes).unwrap_err();
            assert_eq!(error.code(), "several-ecgs");
            assert!(error.to_string().contains("holds 5 ECGs"), "{error}");
            let collection = Collection::from_bytes("exams.hdf5", &bytes).unwrap();
            // By their rows: the number of an exam is personal.
            let names: Vec<String> = (0..lengths.len()).map(|row| format!("exams.hdf5[{row}]")).collect();
            assert!(collection.names().eq(&names));
            for (index, &length) in lengths.iter().enumerate().take(4) {
                let ecg = collection.read(index, &ReadOptions::default()).unwrap();
                assert_eq!((ecg.sampling_rate(), ecg.samples()), (400.0, length));
                assert_eq!(ecg.person.id, None);
                for ((lead, samples), (expected_lead, expected)) in
                    ecg.leads().iter().zip(Lead::ALL.iter().zip(synthetic(length)))
                {
                    assert_eq!(lead, expected_lead);
                    assert!(samples.iter().zip(expected).all(|(&a, b)| (a - b - 0.5).abs() < 1e-6));
                }
                let said: Vec<String> = ecg.notices.iter().map(Notice::to_string).collect();
                assert!(said[0].contains("0.5 mV, by the program"), "{said:?}");
                let cut = (length < 4096).then(|| {
                    let before = (4096 - length) / 2;
                    format!(
                        "the {before} zeros before the exam and the {} after it were cut off",
                        4096 - length - before
                    )
                });
                assert_eq!(said.get(1), cut.as_ref());
            }
            let error = collection.read(4, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), "not-an-ecg");
            assert!(error.to_string().contains("all its samples are zero"), "{error}");
            let stated = ReadOptions { unit: Some(Unit::Millivolt), ..ReadOptions::default() };
            let ecg = collection.read(3, &stated).unwrap();
            assert_eq!(
                (ecg.lead(Lead::I).unwrap()[0], &ecg.notices[..]),
                (2.0 * (synthetic(4096)[0][0] + 0.5), &[][..])
            );
        }
    }

    #[test]
    fn a_file_of_one_exam_is_that_exam() {
        let ecg = read_file(&code15(&[4000], |_| {})).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples(), ecg.person.id.as_deref()), (400.0, 4000, None));
    }

    #[test]
    fn several_bare_arrays_have_row_numbers() {
        let leads: Vec<f32> = synthetic(1000).into_iter().flatten().collect();
        let three = [&leads[..], &leads, &leads].concat();
        let bytes = file("rhythms", |dataset| {
            dataset.with_f32_data(&three).with_shape(&[3, 12, 1000]);
        });
        let collection = Collection::from_bytes("a.h5", &bytes).unwrap();
        assert!(collection.names().eq(["a.h5[0]", "a.h5[1]", "a.h5[2]"]));
        let ecg = collection.read(2, &ReadOptions::default()).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.person.id.as_deref()), (100.0, None));
        assert_eq!(ecg.lead(Lead::V6).unwrap(), &leads[11_000..]);
        assert_eq!(collection.read(3, &ReadOptions::default()).unwrap_err().code(), "not-an-ecg");
    }

    #[test]
    fn more_ecgs_than_the_file_has_bytes_for_are_not_listed() {
        let bytes = file("rhythms", |dataset| {
            dataset.with_i8_data(&[1; 12 * 2 * 3000]).with_shape(&[3000, 12, 2]).with_chunks(&[3000, 12, 2]);
            dataset.with_deflate(9);
        });
        assert_eq!(Collection::from_bytes("a.h5", &bytes).unwrap().len(), 1);
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
        fn damaged_files_of_several_never_panic(bytes in damaged(code15(&[100, 200, 4000], |dataset| {
            dataset.with_chunks(&[2, 1000, 5]).with_deflate(4);
        }))) {
            let Ok(collection) = Collection::from_bytes("a.h5", &bytes) else { return Ok(()) };
            for index in 0..collection.len() {
                let _ = collection.read(index, &ReadOptions::default());
            }
        }

        #[test]
        fn any_bytes_after_the_signature_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_file(&[SIGNATURE, &rest].concat());
        }
    }
}
