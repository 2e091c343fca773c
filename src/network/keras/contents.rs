//! The layers of a Keras file, of either layout.

use super::KerasError;
use super::layer::{Part, Signature, Weights, described};
use hdf5_pure::{Datatype, DatatypeByteOrder, File, Group};

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// The group of the weights in a file that holds a whole model.
const MODEL_WEIGHTS: &str = "model_weights";

/// The group, beside those of the layers, of weights that belong to a model itself.
const TOP_LEVEL_WEIGHTS: &str = "top_level_model_weights";

/// Groups at the top of a Keras 3 file that are not of the model.
const NOT_OF_THE_MODEL: [&str; 2] = ["optimizer", "metrics"];

/// State of a dropout layer in a Keras 3 file.
const SEED: &str = "seed_generator";

/// Limits to what is walked: groups may form circles. Multiscale has some thousand groups.
const MAXIMUM_DEPTH: usize = 32;
const MAXIMUM_GROUPS: usize = 100_000;

/// A layer with weights, as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundLayer {
    /// The name of the layer in Keras, after those of the layers around it where they are known.
    pub name: Option<String>,
    /// Where a Keras 3 file has it. There, layers are counted by class anew in each list of layers.
    pub key: Option<String>,
    pub signature: Signature,
    datasets: Vec<(Part, String)>,
}

impl FoundLayer {
    /// What to call it to people.
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.key.as_deref()).unwrap_or("without a name")
    }

    #[cfg(test)]
    pub fn new(name: Option<&str>, key: Option<&str>, signature: Signature) -> FoundLayer {
        FoundLayer { name: name.map(str::to_owned), key: key.map(str::to_owned), signature, datasets: Vec::new() }
    }
}

/// The layers with weights of a file, and the file.
pub(super) struct Contents {
    pub layers: Vec<FoundLayer>,
    /// Whether the file lists its layers in an order that means something.
    pub is_ordered: bool,
    file: Option<File>,
}

impl Contents {
    /// Finds the layers.
    ///
    /// # Errors
    /// Where the bytes are not a Keras file, or a layer is of no known kind.
    pub fn open(bytes: &[u8]) -> Result<Contents, KerasError> {
        if bytes.starts_with(ZIP_SIGNATURE) {
            return Err(KerasError::KerasArchive);
        }
        if !bytes.starts_with(SIGNATURE) {
            return Err(KerasError::NotHdf5);
        }
        let file = File::from_bytes(bytes.to_vec()).map_err(|error| damaged("the beginning", error))?;
        let (needed, available) = (file.superblock().eof_address, bytes.len() as u64);
        if needed > available {
            return Err(KerasError::Truncated { needed, available });
        }
        let root = file.root();
        let groups = root.groups().map_err(|error| damaged("the list of groups", error))?;
        let (weights, path) = match groups.iter().any(|name| name == MODEL_WEIGHTS) {
            true => (open_group(&root, MODEL_WEIGHTS, MODEL_WEIGHTS)?, format!("{MODEL_WEIGHTS}/")),
            false => (root, String::new()),
        };
        let listed = legacy_layers(&weights, &path)?;
        let is_ordered = listed.is_some();
        let layers = match listed {
            Some(layers) => layers,
            None => {
                let mut walk = Walk { layers: Vec::new(), groups: 0 };
                walk.visit(&weights, &mut Vec::new())?;
                walk.layers
            }
        };
        if layers.is_empty() {
            return Err(KerasError::NoLayers);
        }
        Ok(Contents { layers, is_ordered, file: Some(file) })
    }

    /// The values of a weight, in C order.
    ///
    /// # Errors
    /// Where they are not as many 32-bit floats as the shape says, or the file is damaged.
    pub fn values(&self, layer: usize, part: Part, shape: &[usize]) -> Result<Vec<f32>, KerasError> {
        let dataset = self.layers.get(layer).and_then(|layer| layer.datasets.iter().find(|(other, _)| *other == part));
        let (Some((_, path)), Some(file)) = (dataset, &self.file) else {
            let part = format!("the {} of layer {layer}", part.name());
            return Err(KerasError::Damaged { part, reason: "it is missing".to_owned() });
        };
        let dataset = file.dataset(path).map_err(|error| damaged(path, error))?;
        let datatype = dataset.datatype().map_err(|error| damaged(path, error))?;
        if !is_32_bit_float(&datatype) {
            let found = dataset.dtype().map_or_else(|_| "unknown".to_owned(), |found| found.to_string());
            return Err(KerasError::Type { dataset: path.clone(), found });
        }
        // The shape was found to be the published one; a chunk must not be allowed to be larger.
        let count: usize = shape.iter().product();
        let chunk = dataset.chunk_shape().map_err(|error| damaged(path, error))?.unwrap_or_default();
        let chunk_values = chunk.iter().try_fold(1u64, |product, &length| product.checked_mul(length));
        if chunk_values.is_none_or(|values| values > count.max(1) as u64) {
            return Err(KerasError::Damaged { part: path.clone(), reason: format!("chunks of the shape {chunk:?}") });
        }
        let values = dataset.read_f32().map_err(|error| damaged(path, error))?;
        if values.len() != count {
            let reason = format!("{} values for the shape {shape:?}", values.len());
            return Err(KerasError::Damaged { part: path.clone(), reason });
        }
        Ok(values)
    }

    #[cfg(test)]
    pub fn new(layers: Vec<FoundLayer>, is_ordered: bool) -> Contents {
        Contents { layers, is_ordered, file: None }
    }
}

/// The layers by the attributes of `save_weights("x.h5")`; `None` where there are no such attributes.
fn legacy_layers(weights: &Group, path: &str) -> Result<Option<Vec<FoundLayer>>, KerasError> {
    let Some(mut layer_names) = string_list(weights, "layer_names", "the file")? else { return Ok(None) };
    let groups = weights.groups().map_err(|error| damaged("the list of groups", error))?;
    layer_names.extend(groups.into_iter().filter(|name| name == TOP_LEVEL_WEIGHTS));
    let mut layers = Vec::new();
    for layer_name in layer_names {
        let group = open_group(weights, &layer_name, &format!("the group of layer {layer_name}"))?;
        let weight_names = string_list(&group, "weight_names", &layer_name)?.unwrap_or_default();
        layers.extend(legacy_sublayers(&group, path, &layer_name, &weight_names)?);
    }
    Ok(Some(layers))
}

/// The layers in one group: more than one if it is a block or a model itself. In the order of their first weights.
fn legacy_sublayers(
    group: &Group,
    path: &str,
    layer_name: &str,
    weight_names: &[String],
) -> Result<Vec<FoundLayer>, KerasError> {
    let mut gathered: Vec<(&str, Vec<Weight>)> = Vec::new();
    for weight_name in weight_names {
        let (scope, leaf) = weight_name.rsplit_once('/').unwrap_or(("", weight_name));
        // Variables of TensorFlow end in the number of the output that they are: kernel:0.
        let leaf = leaf.split_once(':').map_or(leaf, |(leaf, _)| leaf);
        let full = format!("{layer_name}/{weight_name}");
        let part = Part::from_name(leaf).ok_or_else(|| KerasError::UnknownLayer {
            layer: format!("{layer_name}/{scope}"),
            found: format!("a weight called {leaf}"),
        })?;
        let weight = Weight { part, shape: shape(group, weight_name, &full)?, path: format!("{path}{full}") };
        match gathered.iter_mut().find(|(other, _)| *other == scope) {
            Some((_, weights)) => weights.push(weight),
            None => gathered.push((scope, vec![weight])),
        }
    }
    let layers = gathered.into_iter().map(|(scope, weights)| {
        let name = match scope {
            "" => layer_name.to_owned(),
            _ if scope == layer_name => scope.to_owned(),
            _ => format!("{layer_name}/{scope}"),
        };
        found_layer(Some(name), None, weights)
    });
    layers.collect()
}

struct Weight {
    part: Part,
    shape: Vec<usize>,
    path: String,
}

fn found_layer(name: Option<String>, key: Option<String>, weights: Vec<Weight>) -> Result<FoundLayer, KerasError> {
    let shapes: Weights = weights.iter().map(|weight| (weight.part, weight.shape.clone())).collect();
    let found = described(&shapes);
    let datasets = weights.into_iter().map(|weight| (weight.part, weight.path)).collect();
    match Signature::new(shapes) {
        Some(signature) => Ok(FoundLayer { name, key, signature, datasets }),
        None => Err(KerasError::UnknownLayer { layer: name.or(key).unwrap_or_default(), found }),
    }
}

/// Collects the layers of a Keras 3 file: groups `vars` with the weights `0`, `1`, ... of the layer around them.
struct Walk {
    layers: Vec<FoundLayer>,
    groups: usize,
}

impl Walk {
    fn visit(&mut self, group: &Group, path: &mut Vec<String>) -> Result<(), KerasError> {
        self.groups += 1;
        let place = path.join("/");
        if path.len() > MAXIMUM_DEPTH || self.groups > MAXIMUM_GROUPS {
            let reason = format!("more than {MAXIMUM_DEPTH} groups inside each other, or {MAXIMUM_GROUPS} in all");
            return Err(KerasError::Damaged { part: format!("the group {place}"), reason });
        }
        let groups = group.iter_groups().map_err(|error| damaged(&format!("the group {place}"), error))?;
        for (name, inner) in groups {
            if name == "vars" {
                self.layers.extend(variables(&inner, &place)?);
            } else if name != SEED && !(path.is_empty() && NOT_OF_THE_MODEL.contains(&name.as_str())) {
                path.push(name);
                self.visit(&inner, path)?;
                path.pop();
            }
        }
        Ok(())
    }
}

/// The layer of a group `vars`; `None` for a layer without weights.
fn variables(vars: &Group, key: &str) -> Result<Option<FoundLayer>, KerasError> {
    let place = format!("{key}/vars");
    let mut shapes = Vec::new();
    for (name, dataset) in vars.iter_datasets().map_err(|error| damaged(&place, error))? {
        let path = format!("{place}/{name}");
        let number: usize = name.parse().map_err(|_| KerasError::UnknownLayer {
            layer: key.to_owned(),
            found: format!("a variable called {name}"),
        })?;
        let shape = dataset.shape().map_err(|error| damaged(&path, error))?;
        shapes.push((number, checked_shape(&shape, &path)?, path));
    }
    shapes.sort();
    let Some((_, first, _)) = shapes.first() else { return Ok(None) };
    // Keras 3 does not say which variable is which, but always has them in this order.
    let parts: &[Part] = if first.len() == 1 { &Part::BATCH_NORM } else { &[Part::Kernel, Part::Bias] };
    if shapes.len() > parts.len() {
        let found = format!("{} variables", shapes.len());
        return Err(KerasError::UnknownLayer { layer: key.to_owned(), found });
    }
    let weights = shapes.into_iter().zip(parts).map(|((_, shape, path), &part)| Weight { part, shape, path }).collect();
    let attributes = vars.attrs().map_err(|error| damaged(&place, error))?;
    let name = attributes.get("name").and_then(|name| name.as_str()).map(str::to_owned);
    found_layer(name, Some(key.to_owned()), weights).map(Some)
}

/// An attribute that is a list of strings; Keras splits long ones into `name0`, `name1`, ...
fn string_list(group: &Group, name: &str, owner: &str) -> Result<Option<Vec<String>>, KerasError> {
    let place = || format!("the attribute {name} of {owner}");
    let attributes = group.attrs().map_err(|error| damaged(&place(), error))?;
    let pieces: Vec<_> = match attributes.get(name) {
        Some(whole) => vec![whole],
        None => (0..).map_while(|number| attributes.get(&format!("{name}{number}"))).collect(),
    };
    if pieces.is_empty() {
        return Ok(None);
    }
    let mut strings = Vec::new();
    for piece in pieces {
        match piece.as_strings() {
            Some(more) => strings.extend_from_slice(more),
            // NumPy's empty array has numbers in it.
            None if piece.to_f64s().is_some_and(|numbers| numbers.is_empty()) => {}
            None => return Err(KerasError::Damaged { part: place(), reason: "it is no list of names".to_owned() }),
        }
    }
    Ok(Some(strings))
}

fn open_group(parent: &Group, name: &str, place: &str) -> Result<Group, KerasError> {
    parent.group(name).map_err(|error| damaged(place, error))
}

fn shape(group: &Group, name: &str, place: &str) -> Result<Vec<usize>, KerasError> {
    let dataset = group.dataset(name).map_err(|error| damaged(place, error))?;
    checked_shape(&dataset.shape().map_err(|error| damaged(place, error))?, place)
}

fn checked_shape(shape: &[u64], place: &str) -> Result<Vec<usize>, KerasError> {
    let lengths = shape.iter().map(|&length| usize::try_from(length).map_err(|error| damaged(place, error)));
    lengths.collect()
}

fn is_32_bit_float(datatype: &Datatype) -> bool {
    let Datatype::FloatingPoint { size: 4, byte_order, layout } = datatype else { return false };
    *byte_order != DatatypeByteOrder::Vax && (layout.exponent_size, layout.mantissa_size) == (8, 23)
}

fn damaged(part: &str, reason: impl ToString) -> KerasError {
    KerasError::Damaged { part: part.to_owned(), reason: reason.to_string() }
}
