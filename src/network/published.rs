//! Parameters in the published Keras layout, in and out.
//!
//! Names are those of `golden/models.json` (`stage1.block1.conv1.kernel`), kernels have all their columns, and a network
//! with one head calls it `head`. How these tensors lie in a file is the matter of [`crate::network::weights`] and of
//! the Keras reader.

use super::assembly::Assembly;
use super::parameter::{NamedTensor, Role};

/// Why published tensors do not fit a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishedError {
    #[error("tensor {name} is missing; it must have the shape {shape:?}")]
    Missing { name: String, shape: Vec<usize> },
    #[error("tensor {name} has the shape {found:?}, not {expected:?}; is it of another network or another target?")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("tensor {name} holds a value that is not a finite number")]
    NotFinite { name: String },
}

impl Assembly {
    /// The published name of a parameter: a single head is called `head`, two are `age.head` and `sex.head`.
    pub fn published_name(&self, name: &str) -> String {
        match self.heads.as_slice() {
            [(head, _)] => name.strip_prefix(&format!("{head}.")).unwrap_or(name).to_owned(),
            _ => name.to_owned(),
        }
    }

    /// The trained values in the published layout and order.
    pub fn to_published(&self, values: &[Vec<f32>]) -> Vec<NamedTensor> {
        let tensors = self.published_order().into_iter().map(|id| {
            let parameter = &self.parameters[id];
            let values = match &parameter.role {
                Role::Kernel { folding, .. } => folding.restore(&values[id]),
                _ => values[id].clone(),
            };
            let name = self.published_name(&parameter.name);
            NamedTensor { name, shape: parameter.published_shape.clone(), values }
        });
        tensors.collect()
    }

    /// The values of the parameters, kernels with their live columns only, from tensors in the published layout.
    ///
    /// # Errors
    /// Where a tensor is missing, has another shape or is not finite. Further tensors are ignored.
    pub fn from_published(&self, tensors: &[NamedTensor]) -> Result<Vec<Vec<f32>>, PublishedError> {
        let values = self.parameters.iter().map(|parameter| {
            let name = self.published_name(&parameter.name);
            let shape = &parameter.published_shape;
            let tensor = tensors.iter().find(|tensor| tensor.name == name);
            let tensor = tensor.ok_or_else(|| PublishedError::Missing { name: name.clone(), shape: shape.clone() })?;
            if tensor.shape != *shape || tensor.values.len() != parameter.published_values() {
                let (found, expected) = (tensor.shape.clone(), shape.clone());
                return Err(PublishedError::Shape { name, found, expected });
            }
            if !tensor.values.iter().all(|value| value.is_finite()) {
                return Err(PublishedError::NotFinite { name });
            }
            Ok(match &parameter.role {
                Role::Kernel { folding, .. } => folding.keep_live(&tensor.values),
                _ => tensor.values.clone(),
            })
        });
        values.collect()
    }
}
