//! Trained parameters of `resnet18` as those that `multiscale` begins with.
//!
//! The networks share their stem, and each branch of `multiscale` has the stages of `resnet18` with kernels of as many
//! samples or more. A kernel with zeros on both sides does what it did before, and three times the same features under a
//! third of the head's kernel say what they said once: the wider network begins where the narrower one ended (Chen et
//! al. 2016, "Net2Net").

use super::assembly::Assembly;
use super::parameter::{ParameterSpecification, Role};

/// The values of `wide` with which it answers what `narrow` answers with `values`; `None` where `wide` is not made of
/// branches that each widen `narrow`.
pub fn widened(narrow: &Assembly, values: &[Vec<f32>], wide: &Assembly) -> Option<Vec<Vec<f32>>> {
    let source = |name: &str| {
        let position = narrow.parameters.iter().position(|parameter| parameter.name == name)?;
        Some((&narrow.parameters[position], values.get(position)?.as_slice()))
    };
    let widen = |parameter: &ParameterSpecification| {
        let (from, values) = source(&parameter.name).or_else(|| source(in_branch(&parameter.name)?))?;
        match (&from.role, &parameter.role) {
            (Role::Kernel { folding: from, .. }, Role::Kernel { folding: to, .. }) if from.taps == to.taps => {
                repeated(values, to.live_values())
            }
            (Role::Kernel { folding: from, .. }, Role::Kernel { folding: to, .. }) => {
                let before = to.taps.checked_sub(from.taps)? / 2;
                let [tap, count] = [values.len() / from.taps, to.live_values()];
                let mut kernel = vec![0.0; count];
                kernel.get_mut(before * tap..before * tap + values.len())?.copy_from_slice(values);
                (count == to.taps * tap).then_some(kernel)
            }
            _ => (values.len() == parameter.values()).then(|| values.to_vec()),
        }
    };
    wide.parameters.iter().map(widen).collect()
}

/// The name without the branch's, if it has one.
fn in_branch(name: &str) -> Option<&str> {
    let (branch, rest) = name.split_once('.')?;
    branch.starts_with("branch").then_some(rest)
}

/// The values over and over, divided by how often: a head's kernel under the features of several branches.
fn repeated(values: &[f32], count: usize) -> Option<Vec<f32>> {
    let times = count / values.len();
    (times * values.len() == count)
        .then(|| values.iter().map(|value| value / times as f32).collect::<Vec<_>>().repeat(times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::deployed::{DeployedNetwork, deploy};
    use crate::network::{Architecture, INPUT_LEADS, INPUT_SAMPLES, Target};
    use burn::tensor::Device;

    /// Values in (-0.5, 0.5) that only `seed` decides (Knuth's multiplicative hash).
    fn made_up(seed: usize, count: usize) -> impl Iterator<Item = f32> {
        let hash = move |index: usize| (seed * 7919 + index).wrapping_mul(2_654_435_761) & 0xffff;
        (0..count).map(move |index| hash(index) as f32 / 65_536.0 - 0.5)
    }

    #[test]
    fn multiscale_begins_where_resnet18_ended() {
        let [narrow, wide] =
            [Architecture::Resnet18, Architecture::Multiscale].map(|it| Assembly::new(it, Target::Both));
        let values: Vec<Vec<f32>> = narrow
            .parameters
            .iter()
            .enumerate()
            .map(|(position, parameter)| {
                let around = if parameter.name.ends_with("variance") { 1.0 } else { 0.0 };
                made_up(position, parameter.values()).map(|value| around + 0.2 * value).collect()
            })
            .collect();
        let answers = |assembly: &Assembly, values: &[Vec<f32>]| {
            let tensors = deploy(assembly, values);
            let network = DeployedNetwork::new(assembly.architecture, Target::Both, tensors, &Device::flex()).unwrap();
            let input = made_up(99, INPUT_SAMPLES * INPUT_LEADS).collect();
            let outputs = network.forward(network.input(input));
            [outputs.age, outputs.sex].map(|output| output.unwrap().into_data().try_to_vec::<f32>().unwrap()).concat()
        };
        let before = answers(&narrow, &values);
        let after = answers(&wide, &widened(&narrow, &values, &wide).unwrap());
        for (before, after) in before.iter().zip(&after) {
            assert!((before - after).abs() < 1e-4 * before.abs().max(1.0), "{before} and {after}");
        }
        assert_eq!(widened(&Assembly::new(Architecture::Cnn, Target::Both), &values, &wide), None);
    }
}
