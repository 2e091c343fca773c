use super::assignment::assign;
use super::contents::{Contents, FoundLayer};
use super::layer::{Kind, PublishedLayer, PublishedLayers};
use super::*;
use hdf5_pure::{AttrValue, FileBuilder};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Shapes = Vec<(String, Vec<usize>)>;

fn convolution(shapes: &mut Shapes, name: &str, kernel: &[usize], bias: bool) {
    shapes.push((format!("{name}.kernel"), kernel.to_vec()));
    if bias {
        shapes.push((format!("{name}.bias"), kernel[kernel.len() - 1..].to_vec()));
    }
}

fn norm(shapes: &mut Shapes, name: &str, channels: usize) {
    for part in ["gamma", "beta", "moving_mean", "moving_variance"] {
        shapes.push((format!("{name}.{part}"), vec![channels]));
    }
}

/// A stem, branches of two blocks, the second with a skip path, and a head; `kernels` in samples, one for each branch.
fn branched(kernels: &[usize]) -> Shapes {
    let mut shapes = Vec::new();
    convolution(&mut shapes, "stem.conv", &[7, 7, 1, 2], true);
    norm(&mut shapes, "stem.bn", 2);
    for (number, &kernel) in (1..).zip(kernels) {
        for (block, channels, filters) in [(1, 2, 2), (2, 2, 4)] {
            let name = |part: &str| format!("branch{number}.stage{block}.block1.{part}");
            convolution(&mut shapes, &name("conv1"), &[kernel, 3, channels, filters], true);
            norm(&mut shapes, &name("bn1"), filters);
            convolution(&mut shapes, &name("conv2"), &[kernel, 3, filters, filters], true);
            norm(&mut shapes, &name("bn2"), filters);
            if channels != filters {
                convolution(&mut shapes, &name("skip"), &[1, 1, channels, filters], true);
            }
        }
    }
    convolution(&mut shapes, "head", &[4 * kernels.len(), 1], true);
    shapes
}

/// A stem and units whose skip path comes first and joins before the second batch normalisation.
fn units(count: usize) -> Shapes {
    let mut shapes = Vec::new();
    convolution(&mut shapes, "stem.conv", &[16, 12, 3], false);
    norm(&mut shapes, "stem.bn", 3);
    for number in 1..=count {
        convolution(&mut shapes, &format!("unit{number}.skip"), &[1, 3, 3], false);
        convolution(&mut shapes, &format!("unit{number}.conv1"), &[16, 3, 3], false);
        norm(&mut shapes, &format!("unit{number}.bn1"), 3);
        convolution(&mut shapes, &format!("unit{number}.conv2"), &[16, 3, 3], false);
        norm(&mut shapes, &format!("unit{number}.bn2"), 3);
    }
    convolution(&mut shapes, "head", &[12, 2], true);
    shapes
}

fn layers(shapes: &Shapes) -> Vec<PublishedLayer> {
    PublishedLayers::new(shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice()))).unwrap().layers
}

/// Tensors whose values are all different.
fn tensors(shapes: &Shapes) -> Vec<NamedTensor> {
    let mut next = 0.0;
    let tensors = shapes.iter().map(|(name, shape)| {
        let values = (0..shape.iter().product()).map(|_| {
            next += 0.25;
            next
        });
        NamedTensor { name: name.clone(), shape: shape.clone(), values: values.collect() }
    });
    tensors.collect()
}

fn position(layers: &[PublishedLayer], name: &str) -> usize {
    layers.iter().position(|layer| layer.name == name).unwrap()
}

/// Automatic names for layers in the order of their creation, as if others had been created before.
fn automatic_names(layers: &[PublishedLayer], created: &[usize], before: usize) -> Vec<String> {
    let mut numbers = BTreeMap::new();
    let mut names = vec![String::new(); layers.len()];
    for &layer in created {
        let kind = layers[layer].signature.kind;
        let number = numbers.entry(kind).or_insert(before);
        let name = match kind {
            Kind::Dense => "dense",
            Kind::Convolution1d => "conv1d",
            Kind::Convolution2d => "conv2d",
            Kind::BatchNorm => "batch_normalization",
        };
        names[layer] = if *number == 0 { name.to_owned() } else { format!("{name}_{number}") };
        *number += 1;
    }
    names
}

/// A file with these layers in this order; names and keys are by published position.
fn file(
    layers: &[PublishedLayer],
    listed: &[usize],
    names: Option<&[String]>,
    keys: Option<&[String]>,
    is_ordered: bool,
) -> Contents {
    let found = listed.iter().map(|&layer| {
        let name = names.map(|names| names[layer].as_str());
        FoundLayer::new(name, keys.map(|keys| keys[layer].as_str()), layers[layer].signature.clone())
    });
    Contents::new(found.collect(), is_ordered)
}

/// Asserts that each published layer is assigned the one made for it.
fn assert_assigned(layers: &[PublishedLayer], listed: &[usize], contents: &Contents) {
    let assignment = assign(layers, contents).unwrap();
    for (expected, layer) in assignment.iter().enumerate() {
        assert_eq!(layers[listed[*layer]].name, layers[expected].name);
    }
}

/// Layers side by side in all branches, as Keras sorts them by depth.
fn side_by_side(layers: &[PublishedLayer]) -> Vec<usize> {
    let in_branch = |layer: &PublishedLayer| layer.branch().map(|branch| layer.name[branch.len()..].to_owned());
    let first = layers.iter().filter(|layer| layer.branch() == Some("branch1")).filter_map(in_branch);
    let first: Vec<String> = first.collect();
    let mut order: Vec<usize> = (0..layers.len()).collect();
    let last = layers.len() - 1;
    order.sort_by_key(|&layer| match in_branch(&layers[layer]) {
        Some(name) => (1, first.iter().position(|other| *other == name)),
        None => (if layer == last { 2 } else { 0 }, None),
    });
    order
}

fn alphabetical(names: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&layer| &names[layer]);
    order
}

#[test]
fn what_is_written_is_read() {
    for shapes in [branched(&[3]), branched(&[3, 5, 7]), units(4)] {
        let tensors = tensors(&shapes);
        let bytes = write(&tensors).unwrap();
        assert_eq!(read(&bytes, &shapes).unwrap(), tensors);
    }
}

#[test]
fn automatic_names_are_ordered_by_number_not_by_letters() {
    for shapes in [branched(&[3, 5, 7]), units(12)] {
        let layers = layers(&shapes);
        let created: Vec<usize> = (0..layers.len()).collect();
        for before in [0, 7] {
            let names = automatic_names(&layers, &created, before);
            let listed = alphabetical(&names);
            assert_ne!(listed, created);
            assert_assigned(&layers, &listed, &file(&layers, &listed, Some(&names), None, false));
            // The same numbers in the groups of a Keras 3 file without names.
            assert_assigned(&layers, &listed, &file(&layers, &listed, None, Some(&names), false));
        }
    }
}

#[test]
fn a_skip_path_may_be_created_before_or_after_its_main_path() {
    for shapes in [branched(&[3, 5, 7]), units(4)] {
        let layers = layers(&shapes);
        let block = |layer: usize| layers.iter().position(|other| other.block() == layers[layer].block());
        let is_skip = |layer: usize| layers[layer].name.ends_with("skip");
        for skip_last in [false, true] {
            let mut created: Vec<usize> = (0..layers.len()).collect();
            created.sort_by_key(|&layer| (block(layer), is_skip(layer) == skip_last));
            let names = automatic_names(&layers, &created, 0);
            assert_assigned(&layers, &created, &file(&layers, &created, Some(&names), None, true));
        }
    }
}

#[test]
fn branches_may_be_created_one_after_the_other_or_side_by_side() {
    let layers = layers(&branched(&[3, 5, 7]));
    let by_depth = side_by_side(&layers);
    let one_by_one: Vec<usize> = (0..layers.len()).collect();
    assert_ne!(by_depth, one_by_one);
    // By depth in the file, one by one in the names; and the same in the groups and names of Keras 3.
    let names = automatic_names(&layers, &one_by_one, 2);
    assert_assigned(&layers, &by_depth, &file(&layers, &by_depth, Some(&names), None, true));
    let keys = automatic_names(&layers, &by_depth, 0);
    let listed = alphabetical(&keys);
    assert_assigned(&layers, &listed, &file(&layers, &listed, Some(&names), Some(&keys), false));
    assert_assigned(&layers, &listed, &file(&layers, &listed, None, Some(&keys), false));
    // The last branch first: its kernels tell its skip paths and batch normalisations.
    let mut last_first = one_by_one;
    last_first.sort_by_key(|&layer| layers[layer].branch().map(|branch| std::cmp::Reverse(branch.to_owned())));
    last_first.rotate_left(1);
    let head = position(&layers, "head");
    last_first.retain(|&layer| layer != head && layers[layer].branch().is_some());
    let mut created: Vec<usize> = (0..layers.len()).filter(|&layer| layers[layer].branch().is_none()).collect();
    created.splice(2..2, last_first);
    let names = automatic_names(&layers, &created, 0);
    assert_assigned(&layers, &created, &file(&layers, &created, Some(&names), None, true));
}

#[test]
fn published_names_decide_whatever_the_order() {
    let layers = layers(&branched(&[3, 5, 7]));
    let backwards: Vec<usize> = (0..layers.len()).rev().collect();
    for (prefix, separator) in [("", "."), ("", "_"), ("", "/"), ("model_1/", "_"), ("outer/model/", "/")] {
        let names: Vec<String> =
            layers.iter().map(|layer| format!("{prefix}{}", layer.name.replace('.', separator))).collect();
        for is_ordered in [false, true] {
            let contents = file(&layers, &backwards, Some(&names), None, is_ordered);
            assert_assigned(&layers, &backwards, &contents);
        }
    }
}

#[test]
fn what_is_not_certain_is_refused() {
    let shapes = branched(&[3, 5, 7]);
    let layers = layers(&shapes);
    let listed: Vec<usize> = (0..layers.len()).collect();
    let names = automatic_names(&layers, &listed, 0);
    let reason = |contents: &Contents| match assign(&layers, contents) {
        Err(KerasError::Ambiguous { reason }) => reason,
        other => panic!("{other:?}"),
    };

    // Neither numbers nor an order.
    let letters: Vec<String> = (b'a'..).take(layers.len()).map(|letter| char::from(letter).to_string()).collect();
    assert!(reason(&file(&layers, &listed, Some(&letters), None, false)).contains("no order"));

    // A convolution of the second block in front of one of the first.
    let mut swapped = listed.clone();
    swapped.swap(position(&layers, "branch2.stage1.block1.conv2"), position(&layers, "branch2.stage2.block1.conv1"));
    let moved = automatic_names(&layers, &swapped, 0);
    let why = reason(&file(&layers, &swapped, Some(&moved), None, true));
    assert!(why.contains("branch2.stage2.block1.conv1 would come before branch2.stage1.block1.conv2"), "{why}");

    // A batch normalisation in the place of another, by its number of channels.
    let mut swapped = listed.clone();
    swapped.swap(position(&layers, "branch1.stage1.block1.bn2"), position(&layers, "branch1.stage2.block1.bn1"));
    let moved = automatic_names(&layers, &swapped, 0);
    assert!(reason(&file(&layers, &swapped, Some(&moved), None, true)).contains("should be branch1"));

    // Two orders that contradict each other where no shape tells: two convolutions of a block.
    let mut swapped = listed.clone();
    let (first, second) = ("branch1.stage1.block1.conv1", "branch1.stage1.block1.conv2");
    swapped.swap(position(&layers, first), position(&layers, second));
    assert!(reason(&file(&layers, &swapped, Some(&names), None, true)).contains("contradicts"));

    // One published name among automatic ones, in another's place.
    let mut misnamed = names.clone();
    misnamed[position(&layers, second)] = first.replace('.', "_");
    assert!(reason(&file(&layers, &listed, Some(&misnamed), None, true)).contains("is called like"));
}

#[test]
fn other_networks_and_targets_are_refused() {
    let bytes = write(&tensors(&branched(&[3]))).unwrap();
    let mut sex = branched(&[3]);
    let head = sex.len() - 2;
    (sex[head].1[1], sex[head + 1].1[0]) = (2, 2);
    let error = read(&bytes, &sex).unwrap_err();
    let KerasError::Shape { layer, expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((layer.as_str(), expected.as_str()), ("head", "kernel [4, 2], bias [2]"));
    assert_eq!(found, "kernel [4, 1], bias [1]");
    let error = read(&bytes, &units(2)).unwrap_err();
    let KerasError::OtherLayers { missing, surplus } = &error else { panic!("{error}") };
    assert!(missing.contains("1 layer of kernel [12, 2], bias [2] (as head)"), "{missing}");
    assert!(surplus.contains("bias [1] (as head)"), "{surplus}");
    assert!(error.to_string().contains("choose the network and the target"));
}

#[test]
fn layers_are_written_in_the_order_of_keras() {
    let names = |shapes: Shapes| -> Vec<String> {
        let contents = Contents::open(&write(&tensors(&shapes)).unwrap()).unwrap();
        contents.layers.iter().map(|layer| layer.label().to_owned()).collect()
    };
    let expected =
        ["stem_conv", "stem_bn", "unit1_conv1", "unit1_bn1", "unit1_conv2", "unit1_skip", "unit1_bn2", "head"];
    assert_eq!(names(units(1)), expected);
    let both = |part: &str| [1, 2].map(|branch| format!("branch{branch}_{part}"));
    let branches = names(branched(&[3, 5]));
    assert_eq!(branches[2..4], both("stage1_block1_conv1"));
    assert_eq!(branches[4..6], both("stage1_block1_bn1"));
    let end = ["branch1_stage2_block1_bn2", "branch1_stage2_block1_skip", "branch2_stage2_block1_bn2"];
    assert_eq!(branches[branches.len() - 5..branches.len() - 2], end);
}

#[test]
fn other_files_are_refused_by_what_they_are() {
    let shapes = units(1);
    assert_eq!(read(b"", &shapes), Err(KerasError::NotHdf5));
    assert_eq!(read(b"{\"weights\": []}", &shapes), Err(KerasError::NotHdf5));
    assert_eq!(read(b"PK\x03\x04\x14\x00", &shapes), Err(KerasError::KerasArchive));
    let mut builder = FileBuilder::new();
    builder.create_dataset("ecg").with_f32_data(&[0.0; 24]).with_shape(&[12, 2]);
    assert_eq!(read(&builder.finish().unwrap(), &shapes), Err(KerasError::NoLayers));
    let bytes = write(&tensors(&shapes)).unwrap();
    let shorter = read(&bytes[..bytes.len() - 1], &shapes);
    assert!(matches!(shorter, Err(KerasError::Truncated { .. } | KerasError::Damaged { .. })), "{shorter:?}");
}

/// A legacy file with one dense layer whose weights have the given names and data.
fn dense(weights: &[(&str, &[f64])]) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    builder.set_attr("layer_names", AttrValue::AsciiStringArray(vec!["dense".into()]));
    let mut group = builder.create_group("dense");
    let names = weights.iter().map(|(name, _)| (*name).to_owned()).collect();
    group.set_attr("weight_names", AttrValue::AsciiStringArray(names));
    for (name, data) in weights {
        group.create_dataset(name).with_f64_data(data).with_shape(&[data.len() as u64, 1]);
    }
    let group = group.finish();
    builder.add_group(group);
    builder.finish().unwrap()
}

#[test]
fn other_layers_and_number_types_are_refused() {
    let shapes = vec![("head.kernel".to_owned(), vec![2, 1])];
    let wide = read(&dense(&[("kernel:0", &[1.0, 2.0])]), &shapes);
    assert_eq!(wide, Err(KerasError::Type { dataset: "dense/kernel:0".into(), found: "f64".into() }));
    let recurrent = read(&dense(&[("kernel:0", &[1.0, 2.0]), ("recurrent_kernel:0", &[1.0])]), &shapes);
    assert!(matches!(recurrent, Err(KerasError::UnknownLayer { .. })), "{recurrent:?}");
    let unpublished = PublishedLayers::new([("head.kernel", &[2usize, 1][..]), ("head.colour", &[1])].into_iter());
    assert!(matches!(unpublished, Err(KerasError::NotPublished { .. })));
}

#[test]
fn values_must_fill_their_shapes() {
    let mut tensors = tensors(&units(1));
    tensors[0].values.pop();
    assert!(matches!(write(&tensors), Err(KerasError::NotPublished { .. })));
}

/// Bytes of a file, some of them changed, perhaps cut off.
fn damaged(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    (changes, prop::option::of(any::<prop::sample::Index>())).prop_map(move |(changes, cut)| {
        let mut bytes = bytes.clone();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn damaged_files_never_panic(bytes in damaged(write(&tensors(&units(1))).unwrap())) {
        let _ = read(&bytes, &units(1));
    }
}
