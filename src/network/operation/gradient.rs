//! The gradients of the CPU operations, as nodes of burn's graph.

use super::cpu::{Normalised, PreparedConvolution};
use super::{ConvolutionGeometry, EcgOperations, PoolGeometry, cpu, tensor, values};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn_flex::FlexTensor;
use std::sync::Arc;

impl<C: CheckpointStrategy> EcgOperations for Autodiff<Flex, C> {
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: ConvolutionGeometry,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), weight.node(), bias.node()];
        let (input, weight) = (input.into_primitive().to_contiguous(), weight.into_primitive().to_contiguous());
        let output = Flex::convolution(input.clone(), weight.clone(), bias.into_primitive(), geometry);
        match ConvolutionBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((input, weight, geometry), output),
            OpsKind::UnTracked(preparation) => preparation.finish(output),
        }
    }

    fn deployed_convolution(
        input: FloatTensor<Self>,
        convolution: Arc<PreparedConvolution>,
        relu: bool,
    ) -> FloatTensor<Self> {
        // Only used for inference: the result is a constant of the graph.
        let input = input.into_primitive();
        FloatTensor::<Self>::new(Flex::deployed_convolution(input, convolution, relu))
    }

    fn residual_convolution(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        convolution: Arc<PreparedConvolution>,
        relu: bool,
    ) -> FloatTensor<Self> {
        let (input, residual) = (input.into_primitive(), residual.into_primitive());
        FloatTensor::<Self>::new(Flex::residual_convolution(input, residual, convolution, relu))
    }

    fn batch_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
        relu: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [input.node(), gamma.node(), beta.node()];
        let input = input.into_primitive().to_contiguous();
        let (gamma, beta) = (gamma.into_primitive().to_contiguous(), beta.into_primitive().to_contiguous());
        let (output, mean, variance) = Flex::batch_norm(input.clone(), gamma.clone(), beta.clone(), epsilon, relu);
        let (for_mean, for_variance) = (mean.clone(), variance.clone());
        let output = match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let state = BatchNormState { input, gamma, beta, mean, variance, epsilon, relu };
                preparation.finish(state, output)
            }
            OpsKind::UnTracked(preparation) => preparation.finish(output),
        };
        (output, FloatTensor::<Self>::new(for_mean), FloatTensor::<Self>::new(for_variance))
    }

    fn scale_and_shift(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        // Only used for inference: the result is a constant of the graph.
        let (input, scale, shift) = (input.into_primitive(), scale.into_primitive(), shift.into_primitive());
        FloatTensor::<Self>::new(Flex::scale_and_shift(input, scale, shift, relu))
    }

    fn max_pool(input: FloatTensor<Self>, geometry: PoolGeometry) -> FloatTensor<Self> {
        let node = input.node();
        let input = input.into_primitive().to_contiguous();
        let output = Flex::max_pool(input.clone(), geometry);
        match MaxPoolBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((input, output.clone(), geometry), output),
            OpsKind::UnTracked(preparation) => preparation.finish(output),
        }
    }

    fn global_pool(input: FloatTensor<Self>, channels: usize, average: bool) -> FloatTensor<Self> {
        // Only used for inference: the result is a constant of the graph.
        FloatTensor::<Self>::new(Flex::global_pool(input.into_primitive(), channels, average))
    }

    fn concatenate(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(Flex::concatenate(first.into_primitive(), second.into_primitive()))
    }
}

#[derive(Debug)]
struct ConvolutionBackward;

impl Backward<Flex, 3> for ConvolutionBackward {
    type State = (FlexTensor, FlexTensor, ConvolutionGeometry);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let (input, weight, geometry) = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        if let Some(node) = input_node {
            let mut out = vec![0.0; values(&input).len()];
            cpu::convolution_input_gradient(values(&gradient), values(&weight), &geometry, &mut out);
            gradients.register::<Flex>(node.id, tensor(out, input.layout().shape()));
        }
        if let Some(node) = weight_node {
            let mut out = vec![0.0; values(&weight).len()];
            cpu::convolution_weight_gradient(values(&input), values(&gradient), &geometry, &mut out);
            gradients.register::<Flex>(node.id, tensor(out, weight.layout().shape()));
        }
        if let Some(node) = bias_node {
            let sums = cpu::column_sums(values(&gradient), geometry.width_out);
            gradients.register::<Flex>(node.id, tensor(sums, &[geometry.width_out]));
        }
    }
}

#[derive(Debug)]
struct BatchNormBackward;

#[derive(Clone, Debug)]
struct BatchNormState {
    input: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    mean: FlexTensor,
    variance: FlexTensor,
    epsilon: f32,
    relu: bool,
}

impl Backward<Flex, 3> for BatchNormBackward {
    type State = BatchNormState;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, gamma_node, beta_node] = ops.parents;
        let BatchNormState { input, gamma, beta, mean, variance, epsilon, relu } = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let inverse_deviation: Vec<f32> =
            values(&variance).iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect();
        let forward = Normalised {
            input: values(&input),
            mean: values(&mean),
            inverse_deviation: &inverse_deviation,
            gamma: values(&gamma),
            beta: values(&beta),
            relu,
        };
        let mut out = vec![0.0; values(&input).len()];
        let (gamma_gradient, beta_gradient) = cpu::batch_norm_gradients(&forward, values(&gradient), &mut out);
        let channels = gamma_gradient.len();
        if let Some(node) = input_node {
            gradients.register::<Flex>(node.id, tensor(out, input.layout().shape()));
        }
        if let Some(node) = gamma_node {
            gradients.register::<Flex>(node.id, tensor(gamma_gradient, &[channels]));
        }
        if let Some(node) = beta_node {
            gradients.register::<Flex>(node.id, tensor(beta_gradient, &[channels]));
        }
    }
}

#[derive(Debug)]
struct MaxPoolBackward;

impl Backward<Flex, 1> for MaxPoolBackward {
    type State = (FlexTensor, FlexTensor, PoolGeometry);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let (input, output, geometry) = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        if let Some(node) = node {
            let mut out = vec![0.0; values(&input).len()];
            cpu::max_pool_gradient(values(&input), values(&output), values(&gradient), &geometry, &mut out);
            gradients.register::<Flex>(node.id, tensor(out, input.layout().shape()));
        }
    }
}
