//! Weights files: a network in its deployed form with what it needs to know of its training, as safetensors.
//!
//! The tensors are those of [`super::deployed::deploy`], 32- or 16-bit floats, or kernels of 8-bit integers: then the
//! tensor `NAME.step` says for each output what a 1 of it is worth. The metadata entry `ecgnet` is a
//! [`Description`](WeightsDescription) in JSON. Any safetensors reader can open such a file.

use super::deployed::{DeployError, DeployedNetwork};
use super::numbers::Numbers;
use super::parameter::{DeployedTensor, NamedTensor};
use super::place::Place;
use super::{AGE_UNIT, Architecture, Head, Target};
use crate::signal::Preprocessing;
use half::f16;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The metadata entry with the [`WeightsDescription`].
pub(super) const METADATA_KEY: &str = "ecgnet";

/// How a network's age and probability become an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calibration {
    /// Half the width, in years, of the interval that held the stated share of validation people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_half_width: Option<f32>,
    /// The share of people that the interval is meant to hold.
    pub age_coverage: f32,
    /// By how many years the network's age rises with every year of the true one: the middle of the interval is where
    /// the line of this slope and [`Calibration::age_offset`] has the network's age.
    pub age_slope: f32,
    /// In years.
    pub age_offset: f32,
    /// The logit of the sex is divided by this (Guo et al. 2017).
    pub sex_temperature: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { age_half_width: None, age_coverage: 0.9, age_slope: 1.0, age_offset: 0.0, sex_temperature: 1.0 }
    }
}

impl Calibration {
    /// The interval, in years, that goes with a network's age; `None` where the weights do not say how wide it must be.
    pub fn age_interval(&self, years: f32) -> Option<(f32, f32)> {
        let half = self.age_half_width?;
        let middle = (years - self.age_offset) / self.age_slope;
        Some(((middle - half).max(0.0), (middle + half).max(0.0)))
    }
}

/// What travels with the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsDescription {
    pub architecture: Architecture,
    pub target: Target,
    /// How the inputs of the training were made; an estimate follows it.
    pub preprocessing: Preprocessing,
    #[serde(default)]
    pub calibration: Calibration,
    /// How the weights came about: the command, the data, the epochs, the figures on validation data.
    #[serde(default)]
    pub training: serde_json::Map<String, serde_json::Value>,
}

/// A weights file.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub description: WeightsDescription,
    pub tensors: Vec<DeployedTensor>,
}

/// How many bits a stored value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Kernels; whatever has one value for each output keeps 16.
    Bits8,
    Bits16,
    Bits32,
}

/// What follows the name of a tensor of 8-bit integers in that of its steps.
const STEP_SUFFIX: &str = ".step";

/// Bytes that the header of a weights file may have; those of the largest network have a hundredth.
const LARGEST_HEADER: usize = 1 << 20;

/// Bytes of a file in memory that are decoded at a time.
const PART: usize = 1 << 16;

/// Why bytes are not a weights file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("not a safetensors file, or a damaged one: {0}")]
    Container(#[from] SafeTensorError),
    #[error(
        "a safetensors file without the entry `{0}`: not written by ECGNet for this purpose (parameters in the \
         published layout are imported with `ecgnet import`)"
    )]
    NoDescription(&'static str),
    #[error("the entry `{METADATA_KEY}` cannot be read: {0}")]
    Description(#[from] serde_json::Error),
    #[error("tensor {name} has the type {found:?}; 16- and 32-bit floats and 8-bit integers are known")]
    Type { name: String, found: Dtype },
    #[error("tensor {name} is of 8-bit integers, and {name}{STEP_SUFFIX} does not say what they are worth")]
    Steps { name: String },
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

impl Weights {
    /// Reads a weights file.
    ///
    /// # Errors
    /// Where the bytes are not a weights file. Whether the tensors make the network is checked by [`Weights::network`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Weights, WeightsError> {
        let mut reader = WeightsReader::default();
        // What is pushed at once is copied at once.
        for part in bytes.chunks(PART) {
            reader.push(part)?;
        }
        reader.finish()
    }

    /// Has the network answer so many years more.
    pub fn add_years(&mut self, years: f32) {
        let bias = format!("{}.head.bias", Head::Age);
        for tensor in self.tensors.iter_mut().filter(|tensor| tensor.name == bias) {
            let mut values = tensor.values.to_f32();
            values.iter_mut().for_each(|value| *value += years / AGE_UNIT);
            tensor.values = values.into();
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Where a tensor's values do not fill its shape.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>, WeightsError> {
        let description = serde_json::to_string(&self.description)?;
        let tensors: Vec<NamedTensor> = self.tensors.iter().map(DeployedTensor::to_f32).collect();
        write_tensors(&tensors, precision, HashMap::from([(METADATA_KEY.to_owned(), description)]))
    }

    /// The network in a place, which may be a device.
    ///
    /// # Errors
    /// Where the tensors do not make the described network.
    pub fn network(&self, place: impl Into<Place>) -> Result<DeployedNetwork, DeployError> {
        self.clone().into_network(place)
    }

    /// The network in a place, which may be a device. Each tensor is let go once it is there: hardly more than the
    /// network is held meanwhile.
    ///
    /// # Errors
    /// Where the tensors do not make the described network.
    pub fn into_network(self, place: impl Into<Place>) -> Result<DeployedNetwork, DeployError> {
        let WeightsDescription { architecture, target, .. } = self.description;
        DeployedNetwork::new(architecture, target, self.tensors, place)
    }
}

/// One entry of a safetensors file's metadata.
///
/// # Errors
/// Where the bytes are not safetensors or have no such entry.
pub fn read_metadata_entry(bytes: &[u8], key: &'static str) -> Result<String, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(key));
    entry.cloned().ok_or(WeightsError::NoDescription(key))
}

/// All tensors of a safetensors file, as 32-bit floats.
///
/// # Errors
/// Where the bytes are not safetensors, or a tensor has another type than 16- or 32-bit floats or 8-bit integers with
/// their steps.
pub fn read_tensors(bytes: &[u8]) -> Result<Vec<NamedTensor>, WeightsError> {
    let mut decoded = Decoded::default();
    for (name, view) in SafeTensors::deserialize(bytes)?.iter() {
        decoded.add(name.to_owned(), view.dtype(), view.shape().to_vec(), view.data())?;
    }
    Ok(decoded.tensors()?.into_iter().map(DeployedTensor::into_f32).collect())
}

/// Reads a weights file while its bytes come: no more than the tensor that is not whole yet is held as bytes too.
#[derive(Debug, Default)]
pub struct WeightsReader {
    /// Bytes that are not decoded yet.
    pending: Vec<u8>,
    header: Option<Header>,
    decoded: Decoded,
}

/// What stands before the tensors.
#[derive(Debug)]
struct Header {
    description: WeightsDescription,
    /// The tensors that are still to come, the next one last.
    to_come: Vec<(String, TensorInfo)>,
}

impl WeightsReader {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Where what has come is not a weights file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.pending.extend_from_slice(bytes);
        let mut used = 0;
        if self.header.is_none() {
            used = self.read_header()?;
        }
        let Some(Header { to_come, .. }) = &mut self.header else { return Ok(()) };
        while let Some((name, info)) = to_come.pop_if(|(_, info)| length(info) <= self.pending.len() - used) {
            let end = used + length(&info);
            self.decoded.add(name, info.dtype, info.shape, &self.pending[used..end])?;
            used = end;
        }
        self.pending.drain(..used);
        Ok(())
    }

    /// Reads the header once it is there; returns its length.
    fn read_header(&mut self) -> Result<usize, WeightsError> {
        let Some(start) = self.pending.first_chunk() else { return Ok(0) };
        let length = usize::try_from(u64::from_le_bytes(*start)).unwrap_or(usize::MAX).saturating_add(start.len());
        if length > LARGEST_HEADER {
            return Err(SafeTensorError::HeaderTooLarge.into());
        }
        let Some(header) = self.pending.get(start.len()..length) else { return Ok(0) };
        let metadata: Metadata =
            serde_json::from_slice(header).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY));
        let description = serde_json::from_str(entry.ok_or(WeightsError::NoDescription(METADATA_KEY))?)?;
        let names = metadata.offset_keys().into_iter().rev();
        let to_come = names.filter_map(|name| metadata.info(&name).cloned().map(|info| (name, info))).collect();
        self.header = Some(Header { description, to_come });
        Ok(length)
    }

    /// The weights, once everything has come.
    ///
    /// # Errors
    /// Where something is missing or too much, or integers have no steps.
    pub fn finish(self) -> Result<Weights, WeightsError> {
        match self.header {
            Some(Header { description, to_come }) if to_come.is_empty() && self.pending.is_empty() => {
                Ok(Weights { description, tensors: self.decoded.tensors()? })
            }
            _ => Err(SafeTensorError::MetadataIncompleteBuffer.into()),
        }
    }
}

/// Bytes of a tensor.
fn length(info: &TensorInfo) -> usize {
    let (start, end) = info.data_offsets;
    end.saturating_sub(start)
}

/// Tensors of a file, in any order.
#[derive(Debug, Default)]
struct Decoded {
    floats: Vec<DeployedTensor>,
    /// Integers, which are worth something by their steps only.
    integers: Vec<NamedTensor<Vec<i8>>>,
}

impl Decoded {
    fn add(&mut self, name: String, dtype: Dtype, shape: Vec<usize>, bytes: &[u8]) -> Result<(), WeightsError> {
        let values = match dtype {
            Dtype::I8 => {
                let values = bytes.iter().map(|byte| byte.cast_signed()).collect();
                self.integers.push(NamedTensor { name, shape, values });
                return Ok(());
            }
            Dtype::F32 => {
                let numbers = bytes.chunks_exact(4);
                let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                Numbers::Bits32(numbers.map(number).collect())
            }
            Dtype::F16 => {
                let numbers = bytes.chunks_exact(2);
                Numbers::Bits16(numbers.map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]])).collect())
            }
            found => return Err(WeightsError::Type { name, found }),
        };
        self.floats.push(NamedTensor { name, shape, values });
        Ok(())
    }

    fn tensors(self) -> Result<Vec<DeployedTensor>, WeightsError> {
        let Decoded { floats: mut tensors, integers } = self;
        for NamedTensor { name, shape, values: integers } in integers {
            let of_steps = format!("{name}{STEP_SUFFIX}");
            let steps = tensors.iter().position(|tensor| tensor.name == of_steps);
            let steps = steps.map(|position| tensors.swap_remove(position).values.into_f32()).unwrap_or_default();
            if steps.is_empty() || Some(&steps.len()) != shape.last() {
                return Err(WeightsError::Steps { name });
            }
            tensors.push(NamedTensor { name, shape, values: Numbers::Bits8 { integers, steps } });
        }
        Ok(tensors)
    }
}

/// The bytes of a safetensors file.
///
/// # Errors
/// Where a tensor's values do not fill its shape.
pub fn write_tensors(
    tensors: &[NamedTensor],
    precision: Precision,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let mut stored: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for NamedTensor { name, shape, values } in tensors {
        match (precision, shape.last()) {
            (Precision::Bits8, Some(&outputs)) if shape.len() > 1 && outputs > 0 => {
                let steps = steps(values, outputs);
                let nearest = |(value, step): (&f32, &f32)| if *step > 0.0 { (value / step).round() as i8 } else { 0 };
                let integers = values.iter().zip(steps.iter().cycle()).map(nearest).map(i8::cast_unsigned);
                stored.push((name.clone(), Dtype::I8, shape.clone(), integers.collect()));
                let bytes = steps.iter().flat_map(|step| step.to_le_bytes()).collect();
                stored.push((format!("{name}{STEP_SUFFIX}"), Dtype::F32, vec![outputs], bytes));
            }
            (Precision::Bits32, _) => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                stored.push((name.clone(), Dtype::F32, shape.clone(), bytes));
            }
            _ => {
                let bytes = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
                stored.push((name.clone(), Dtype::F16, shape.clone(), bytes));
            }
        }
    }
    let mut views = Vec::with_capacity(stored.len());
    for (name, dtype, shape, bytes) in &stored {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?));
    }
    Ok(safetensors::serialize(views, Some(metadata))?)
}

/// For each output, what a 1 of its integers is worth: its largest value becomes 127.
fn steps(values: &[f32], outputs: usize) -> Vec<f32> {
    let mut largest = vec![0.0_f32; outputs];
    for row in values.chunks_exact(outputs) {
        largest.iter_mut().zip(row).for_each(|(largest, value)| *largest = largest.max(value.abs()));
    }
    largest.into_iter().map(|largest| largest / f32::from(i8::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::assembly::Assembly;
    use crate::network::deployed::deploy;
    use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
    use burn::tensor::{Device, Tensor};

    fn of_cnn() -> WeightsDescription {
        WeightsDescription {
            architecture: Architecture::Cnn,
            target: Target::Both,
            preprocessing: Preprocessing::Voltage,
            calibration: Calibration::default(),
            training: serde_json::Map::new(),
        }
    }

    fn stored(tensors: &[NamedTensor], precision: Precision) -> Vec<NamedTensor> {
        let mut read = read_tensors(&write_tensors(tensors, precision, HashMap::new()).unwrap()).unwrap();
        read.sort_by(|a, b| a.name.cmp(&b.name));
        read
    }

    #[test]
    fn eight_bits_keep_each_output_to_half_a_step() {
        let bias = NamedTensor { name: "a.bias".into(), shape: vec![3], values: vec![0.5, -2.0, 0.25] };
        let values = vec![0.001, -3.0, 0.0, -0.0005, 1.0, 0.0, 0.00037, 2.5, 0.0, 0.0009, -1.7, 0.0];
        let kernel = NamedTensor { name: "a.kernel".into(), shape: vec![4, 1, 1, 3], values };
        let tensors = [bias, kernel];
        assert_eq!(stored(&tensors, Precision::Bits32), tensors);
        let read = stored(&tensors, Precision::Bits8);
        assert_eq!((&read[0], &read[1].shape), (&tensors[0], &tensors[1].shape));
        for (index, (read, value)) in read[1].values.iter().zip(&tensors[1].values).enumerate() {
            let half_a_step = [0.001, 3.0, 0.0][index % 3] / 127.0 / 2.0;
            assert!((read - value).abs() <= half_a_step * 1.001, "{read} for {value}");
        }
    }

    /// A weights file with the header and 8 bytes of tensors.
    fn read(header: &str) -> Result<Weights, WeightsError> {
        Weights::from_bytes(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 8]].concat())
    }

    #[test]
    fn a_header_that_is_too_long_is_refused_before_it_has_come() {
        let of_length = |length: u64| WeightsReader::default().push(&length.to_le_bytes());
        let longest = LARGEST_HEADER as u64 - 8;
        assert!(of_length(longest).is_ok());
        for length in [longest + 1, u64::MAX] {
            let refused = of_length(length);
            assert!(matches!(refused, Err(WeightsError::Container(SafeTensorError::HeaderTooLarge))), "{refused:?}");
        }
    }

    /// A cnn that answers zero.
    fn says_nothing() -> Weights {
        let assembly = Assembly::new(Architecture::Cnn, Target::Both);
        let values = assembly.parameters.iter().map(|parameter| {
            let value = if parameter.name.ends_with("variance") { 1.0 } else { 0.0 };
            vec![value; parameter.values()]
        });
        Weights { description: of_cnn(), tensors: deploy(&assembly, &values.collect::<Vec<_>>()) }
    }

    #[test]
    fn tensors_that_do_not_make_the_network_are_refused() {
        let refused = |change: &dyn Fn(&mut Vec<DeployedTensor>)| {
            let mut weights = says_nothing();
            change(&mut weights.tensors);
            weights.network(&Device::flex()).err()
        };
        assert!(refused(&|_| {}).is_none());
        let missing = refused(&|tensors| drop(tensors.pop()));
        assert!(matches!(missing, Some(DeployError::Missing { .. })), "{missing:?}");
        let shape = refused(&|tensors| tensors[0].shape.push(1));
        assert!(matches!(shape, Some(DeployError::Shape { .. })), "{shape:?}");
        for value in [f32::NAN, f32::INFINITY] {
            let count = says_nothing().tensors[0].values.len();
            for numbers in [
                Numbers::Bits32(vec![value; count]),
                Numbers::Bits16(vec![f16::from_f32(value); count]),
                Numbers::Bits8 { integers: vec![0; count], steps: vec![value] },
            ] {
                let refused = refused(&|tensors| tensors[0].values = numbers.clone());
                assert!(matches!(refused, Some(DeployError::NotFinite { .. })), "{refused:?}");
            }
        }
    }

    #[test]
    fn years_are_added_to_what_the_network_answers() {
        let mut weights = says_nothing();
        weights.add_years(12.5);
        let network = weights.network(&Device::flex()).unwrap();
        let outputs = network.forward(network.input(vec![0.5; INPUT_SAMPLES * INPUT_LEADS]));
        let read = |output: Option<Tensor<2>>| output.unwrap().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!((read(outputs.age), read(outputs.sex)), (vec![0.125], vec![0.0, 0.0]));
    }

    #[test]
    fn tensors_that_overlap_or_leave_a_gap_are_refused() {
        let description = serde_json::to_string(&of_cnn()).unwrap();
        let with_second_at = |start: usize, end: usize| {
            let tensor = |start, end| serde_json::json!({ "dtype": "F32", "shape": [1], "data_offsets": [start, end] });
            let header = serde_json::json!({
                "__metadata__": { METADATA_KEY: description }, "a": tensor(0, 4), "b": tensor(start, end)
            });
            read(&header.to_string())
        };
        assert_eq!(with_second_at(4, 8).unwrap().tensors.len(), 2);
        for (start, end) in [(0, 4), (2, 6), (5, 9), (8, 4), (usize::MAX - 3, usize::MAX)] {
            assert!(matches!(with_second_at(start, end), Err(WeightsError::Container(_))), "{start} to {end}");
        }
    }

    #[test]
    fn integers_without_their_steps_are_refused() {
        let bytes = [1_u8, 2, 3, 4];
        let view = TensorView::new(Dtype::I8, vec![2, 2], &bytes).unwrap();
        let one_step = 1.0_f32.to_le_bytes();
        let step = TensorView::new(Dtype::F32, vec![1], &one_step).unwrap();
        for tensors in [vec![("a", view.clone())], vec![("a", view.clone()), ("a.step", step)]] {
            let file = safetensors::serialize(tensors, None).unwrap();
            assert!(matches!(read_tensors(&file), Err(WeightsError::Steps { .. })));
        }
    }
}
