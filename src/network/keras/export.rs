//! Files for `load_weights` of Keras 2 and 3.

use super::KerasError;
use super::layer::{Part, PublishedLayer, PublishedLayers, main_path, skip_paths};
use crate::network::parameter::NamedTensor;
use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, LibVer};

/// The release of Keras whose layout is written. Without it Keras takes a file for one of Keras 1.
const KERAS_VERSION: &str = "2.8.0";

/// The file of a network's parameters, all of them in published order, as `save_weights("name.h5")` of Keras 2 writes
/// it.
///
/// Layers have their published names with `_` in place of `.`, so `load_weights("name.h5", by_name=True)` fills a model
/// whose layers are called so. They are listed in the order in which Keras sorts the layers of a functional model that
/// is built in published order, with the main path as the first input of each sum, so `load_weights("name.h5")` fills
/// that model whatever its layers are called. Name such a file `.h5`, not `.weights.h5`: Keras 3 goes by the name.
///
/// # Errors
/// Where the tensors are not those of a published network, or a tensor's values do not fill its shape.
pub fn write(tensors: &[NamedTensor]) -> Result<Vec<u8>, KerasError> {
    let shapes = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()));
    let PublishedLayers { layers, tensors: places } = PublishedLayers::new(shapes)?;
    for tensor in tensors {
        let needed = tensor.shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        if needed != Some(tensor.values.len()) {
            let reason = format!("{} values do not fill the shape {:?}", tensor.values.len(), tensor.shape);
            return Err(KerasError::NotPublished { tensor: tensor.name.clone(), reason });
        }
    }

    let mut builder = FileBuilder::new();
    // What every HDF5 since 2008 can read.
    builder.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    builder.set_attr("backend", AttrValue::AsciiString("tensorflow".to_owned()));
    builder.set_attr("keras_version", AttrValue::AsciiString(KERAS_VERSION.to_owned()));
    let names = depth_order(&layers).into_iter().map(|position| layers[position].keras_name());
    builder.set_attr("layer_names", AttrValue::AsciiStringArray(names.collect()));
    for (position, layer) in layers.iter().enumerate() {
        let weights = places.iter().zip(tensors).filter(|((layer, _), _)| *layer == position);
        let weights: Vec<(Part, &NamedTensor)> = weights.map(|(&(_, part), tensor)| (part, tensor)).collect();
        let group = layer_group(&mut builder, layer, &weights);
        builder.add_group(group);
    }
    builder.finish().map_err(|error| KerasError::Write { reason: error.to_string() })
}

/// The group of a layer: its name twice over, and the weights within.
fn layer_group(builder: &mut FileBuilder, layer: &PublishedLayer, weights: &[(Part, &NamedTensor)]) -> FinishedGroup {
    let name = layer.keras_name();
    let mut group = builder.create_group(&name);
    let weight_names = layer.signature.parts().map(|part| format!("{name}/{}:0", part.name()));
    group.set_attr("weight_names", AttrValue::AsciiStringArray(weight_names.collect()));
    let mut inner = group.create_group(&name);
    for (part, tensor) in weights {
        let shape: Vec<u64> = tensor.shape.iter().map(|&length| length as u64).collect();
        inner.create_dataset(&format!("{}:0", part.name())).with_f32_data(&tensor.values).with_shape(&shape);
    }
    group.add_group(inner.finish());
    group.finish()
}

/// Positions of the layers in Keras' order: by their distance from the output, those of a distance branch by branch,
/// the main path before the skip path.
fn depth_order(layers: &[PublishedLayer]) -> Vec<usize> {
    let is_skip = skip_paths(layers);
    // How far from the input: one for each layer that is not beside another.
    let mut distance = vec![0usize; layers.len()];
    for position in 0..layers.len() {
        let before = (0..position).filter(|&other| !is_skip[other] && leads_to(&layers[other], &layers[position]));
        let before = before.map(|other| distance[other]).max().unwrap_or(0);
        distance[position] = if is_skip[position] { before } else { before + 1 };
    }
    // A skip path that is listed before its main path joins it right behind the last convolution.
    for position in (0..layers.len()).filter(|&position| is_skip[position]) {
        let last = main_path(layers, &layers[position]).last().filter(|&last| last > position);
        distance[position] = last.map_or(distance[position], |last| distance[last]);
    }
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&position| (distance[position], layers[position].branch(), is_skip[position]));
    order
}

/// Whether a layer is on the way to a later one, not in a branch beside it.
fn leads_to(earlier: &PublishedLayer, later: &PublishedLayer) -> bool {
    earlier.branch().is_none() || later.branch().is_none() || earlier.branch() == later.branch()
}
