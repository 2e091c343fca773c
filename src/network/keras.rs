//! Parameters of the published networks in the `.h5` files of Keras, in and out.
//!
//! # Files
//! Read are the files of `save_weights("x.h5")` (Keras 2, so with TensorFlow 2.8), whole models of `save("x.h5")`
//! (Keras 2 and 3), and the files of `save_weights("x.weights.h5")` (Keras 3 and late Keras 2). Optimiser states,
//! metrics and seeds are passed over. Written is the first kind, for `load_weights` of Keras 2 and 3, by topology and
//! by name.
//!
//! # Which layer is which
//! A file names its layers as Keras or its user did: `conv2d_3`, `batch_normalization_7`, `stage1_block1_conv1`. The
//! parameters here have published names: `stage1.block1.conv1.kernel`. Layers are assigned by this rule:
//!
//! 1. The layers with weights must be the published ones, no more and no fewer, by kind and shapes.
//! 2. If each layer carries the name of exactly one published layer, with `_`, `/`, `-` or `.` between its parts, and
//!    with or without the names of enclosing models in front, names decide.
//! 3. Otherwise their order decides. The convolutions and dense layers of a network's main path are told apart by the
//!    shape of their kernels, those of one shape by their order. A batch normalisation follows the convolution or dense
//!    layer before it, and the 1x1 convolution of a skip path the main path around which it leads: their order is the
//!    order of those. So it does not matter whether a skip path was created before or after its main path, nor whether
//!    parallel branches were created one after the other or side by side.
//! 4. A file may know two orders: that of its layers, which Keras sorts by depth, and that of the numbers in its
//!    automatic names, by creation. Along each path every order at hand must be the published one, and all must lead to
//!    the same assignment.
//! 5. A layer that carries the name of a published layer must have been assigned to it.
//!
//! Anything else is an error, never a guess. So are subclassed models in a `.weights.h5` file without the names of the
//! layers, which only late Keras 3 stores: such a file lists blocks by attribute, in no order.
//!
//! # What this cannot see
//! A file of weights does not tell how layers are connected. A network of other connections between layers of the same
//! shapes in the same order cannot be told from the published one.

mod assignment;
mod contents;
mod export;
mod layer;

use super::parameter::NamedTensor;
use contents::Contents;
use layer::PublishedLayers;

pub use export::write;

/// Why a Keras file cannot be read or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KerasError {
    #[error("not an HDF5 file; save the parameters in Keras with model.save_weights(\"name.h5\")")]
    NotHdf5,
    #[error(
        "a .keras archive, not an .h5 file: load it in Keras and call model.save_weights(\"name.weights.h5\"), or \
         unpack it like a zip file and take its model.weights.h5"
    )]
    KerasArchive,
    #[error("the file ends at byte {available}, but its header states {needed} bytes; copy or download it again")]
    Truncated { needed: u64, available: u64 },
    #[error("{part} cannot be read ({reason}): the file is damaged, or not as Keras writes it; save it again in Keras")]
    Damaged { part: String, reason: String },
    #[error(
        "an HDF5 file, but without layers of a Keras model (an attribute layer_names or groups with vars); save the \
         parameters in Keras with model.save_weights(\"name.h5\")"
    )]
    NoLayers,
    #[error(
        "layer {layer} holds {found}; the networks are made of convolutions, dense layers, and batch normalisations \
         with scale and offset"
    )]
    UnknownLayer { layer: String, found: String },
    #[error(
        "{dataset} is of the type {found}; 32-bit floats are needed: cast the weights in Keras and save them again"
    )]
    Type { dataset: String, found: String },
    #[error(
        "the layers are not those of the chosen network; missing: {missing}; left over: {surplus}; choose the network \
         and the target that the file was made for"
    )]
    OtherLayers { missing: String, surplus: String },
    #[error(
        "layer {layer} is called like {published}, but holds {found}, not {expected}; choose the network and the \
         target that the file was made for"
    )]
    Shape { layer: String, published: String, expected: String, found: String },
    #[error(
        "it is not certain which layer is which: {reason}; give the layers of the model their published names in Keras \
         (such as stage1_block1_conv1), load the file into it, and save it again"
    )]
    Ambiguous { reason: String },
    #[error("tensor {tensor} is no parameter of a published network: {reason}")]
    NotPublished { tensor: String, reason: String },
    #[error("the HDF5 file cannot be made: {reason}")]
    Write { reason: String },
}

/// Reads the parameters of a network, in the order of `expected`: the names and shapes of all its published tensors,
/// those of a layer side by side.
///
/// # Errors
/// Where the bytes are not a Keras file with 32-bit floats, or its layers are not certainly those of the network. See
/// the rule in the [module](self).
pub fn read(bytes: &[u8], expected: &[(String, Vec<usize>)]) -> Result<Vec<NamedTensor>, KerasError> {
    let published = PublishedLayers::new(expected.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())))?;
    let contents = Contents::open(bytes)?;
    let assignment = assignment::assign(&published.layers, &contents)?;
    let tensors = expected.iter().zip(&published.tensors).map(|((name, shape), &(layer, part))| {
        let values = contents.values(assignment[layer], part, shape)?;
        Ok(NamedTensor { name: name.clone(), shape: shape.clone(), values })
    });
    tensors.collect()
}

#[cfg(test)]
mod tests;
