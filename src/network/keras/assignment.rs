//! Which layer of a file is which layer of a network: the rule that the [module](super) states.

use super::KerasError;
use super::contents::{Contents, FoundLayer};
use super::layer::{Kind, PublishedLayer, Signature, main_path, skip_paths};
use std::collections::BTreeMap;

/// Places of the layers of a file in one of its orders. They compare within a kind only.
type Order = Vec<u64>;

/// For each published layer, the position of the file's layer that it is.
///
/// # Errors
/// Where the layers are others, or it is not certain which is which.
pub(super) fn assign(published: &[PublishedLayer], contents: &Contents) -> Result<Vec<usize>, KerasError> {
    let named: Vec<Option<usize>> = contents.layers.iter().map(|layer| named_as(layer, published)).collect();
    if let Some(assignment) = by_name(published, &named) {
        check_signatures(published, &contents.layers, &assignment)?;
        return Ok(assignment);
    }
    check_layers(published, &contents.layers)?;
    let assignment = by_order(published, contents)?;
    for (position, &layer) in assignment.iter().enumerate() {
        if let Some(other) = named[layer].filter(|&other| other != position) {
            return Err(ambiguous(format!(
                "layer {} is called like {} but stands where {} should",
                contents.layers[layer].label(),
                published[other].name,
                published[position].name
            )));
        }
    }
    Ok(assignment)
}

/// The published layer whose name a layer carries, alone or after the names of layers around it.
fn named_as(layer: &FoundLayer, published: &[PublishedLayer]) -> Option<usize> {
    let names = [&layer.name, &layer.key].into_iter().flatten();
    let mut endings = names.flat_map(|name| {
        let starts = std::iter::once(0).chain(name.match_indices('/').map(|(slash, _)| slash + 1));
        starts.map(|start| name[start..].replace(['/', '.', '-'], "_").to_lowercase())
    });
    endings.find_map(|ending| published.iter().position(|layer| layer.keras_name() == ending))
}

/// The assignment by names, where each layer carries the name of exactly one.
fn by_name(published: &[PublishedLayer], named: &[Option<usize>]) -> Option<Vec<usize>> {
    let mut assignment = vec![None; published.len()];
    for (layer, position) in named.iter().enumerate() {
        if assignment[(*position)?].replace(layer).is_some() {
            return None;
        }
    }
    assignment.into_iter().collect()
}

fn check_signatures(
    published: &[PublishedLayer],
    found: &[FoundLayer],
    assignment: &[usize],
) -> Result<(), KerasError> {
    for (expected, &layer) in published.iter().zip(assignment) {
        let layer = &found[layer];
        if layer.signature != expected.signature {
            return Err(KerasError::Shape {
                layer: layer.label().to_owned(),
                published: expected.name.clone(),
                expected: expected.signature.to_string(),
                found: layer.signature.to_string(),
            });
        }
    }
    Ok(())
}

/// Positions by signature.
fn by_signature<'a>(layers: impl Iterator<Item = (usize, &'a Signature)>) -> BTreeMap<&'a Signature, Vec<usize>> {
    let mut groups: BTreeMap<&Signature, Vec<usize>> = BTreeMap::new();
    for (position, signature) in layers {
        groups.entry(signature).or_default().push(position);
    }
    groups
}

/// Refuses a file whose layers are others than the network's, by kind and shapes.
fn check_layers(published: &[PublishedLayer], found: &[FoundLayer]) -> Result<(), KerasError> {
    let expected = by_signature(published.iter().map(|layer| &layer.signature).enumerate());
    let given = by_signature(found.iter().map(|layer| &layer.signature).enumerate());
    let missing = lacking(&expected, &given, |position| &published[position].name);
    let surplus = lacking(&given, &expected, |position| found[position].label());
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    Err(KerasError::OtherLayers { missing: shortened(&missing), surplus: shortened(&surplus) })
}

/// What there is less of in `given` than in `wanted`, for people.
fn lacking<'a>(
    wanted: &BTreeMap<&Signature, Vec<usize>>,
    given: &BTreeMap<&Signature, Vec<usize>>,
    name: impl Fn(usize) -> &'a str,
) -> Vec<String> {
    let lacking = wanted.iter().filter_map(|(signature, group)| {
        let count = group.len().saturating_sub(given.get(signature).map_or(0, Vec::len));
        let names = group.iter().map(|&position| name(position));
        (count > 0).then(|| describe(signature, count, names))
    });
    lacking.collect()
}

/// `1 layer of kernel [64, 2], bias [2] (as head)`.
fn describe<'a>(signature: &Signature, count: usize, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(str::to_owned).collect();
    let layers = if count == 1 { "layer" } else { "layers" };
    format!("{count} {layers} of {signature} (as {})", shortened(&names))
}

fn shortened(items: &[String]) -> String {
    const SHOWN: usize = 3;
    match items {
        [] => "nothing".to_owned(),
        _ if items.len() > SHOWN => format!("{} and {} more", items[..SHOWN].join(", "), items.len() - SHOWN),
        _ => items.join(", "),
    }
}

/// The assignment by the orders that the file knows.
fn by_order(published: &[PublishedLayer], contents: &Contents) -> Result<Vec<usize>, KerasError> {
    let layers = &contents.layers;
    let listed = contents.is_ordered.then(|| (0..layers.len() as u64).collect());
    let by_name = numbered(layers, |layer| layer.name.as_deref().map(|name| name.rsplit('/').next().unwrap_or(name)));
    let by_key = numbered(layers, |layer| layer.key.as_deref());
    let orders = [("of its layers", listed), ("of the numbers in their names", by_name), ("of its groups", by_key)];
    let mut agreed: Option<(&str, Vec<usize>)> = None;
    for (which, order) in orders {
        let Some(order) = order else { continue };
        let assignment = in_order(published, layers, &order, which)?;
        match &agreed {
            Some((other, agreed)) if *agreed != assignment => {
                return Err(ambiguous(format!("the order {other} contradicts the order {which}")));
            }
            Some(_) => {}
            None => agreed = Some((which, assignment)),
        }
    }
    let no_order = "the layers have neither published nor numbered names, and the file lists them in no order";
    agreed.map(|(_, assignment)| assignment).ok_or_else(|| ambiguous(no_order.to_owned()))
}

/// The order of the numbers at the end of names, where all layers of a kind have the same name but for that.
fn numbered<'a>(layers: &'a [FoundLayer], name: impl Fn(&'a FoundLayer) -> Option<&'a str>) -> Option<Order> {
    let mut seen: BTreeMap<Kind, (&str, Vec<u64>)> = BTreeMap::new();
    let alone = |kind| layers.iter().filter(|layer| layer.signature.kind == kind).count() == 1;
    let numbers = layers.iter().map(|layer| {
        let kind = layer.signature.kind;
        if alone(kind) {
            return Some(0);
        }
        let name = name(layer)?;
        let base = name.trim_end_matches(|character: char| character.is_ascii_digit());
        let digits = &name[base.len()..];
        // The first one of a kind has no number.
        let number = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let base = base.trim_end_matches('_');
        let (first_base, numbers) = seen.entry(kind).or_insert((base, Vec::new()));
        if *first_base != base || numbers.contains(&number) {
            return None;
        }
        numbers.push(number);
        Some(number)
    });
    numbers.collect()
}

/// The assignment by one order.
fn in_order(
    published: &[PublishedLayer],
    found: &[FoundLayer],
    order: &Order,
    which: &str,
) -> Result<Vec<usize>, KerasError> {
    let is_skip = skip_paths(published);
    let is_main = |position: usize| published[position].signature.has_kernel() && !is_skip[position];
    let mut assigned = vec![None; published.len()];

    let mut given = by_signature(found.iter().map(|layer| &layer.signature).enumerate());
    given.values_mut().for_each(|layers| layers.sort_by_key(|&layer| order[layer]));
    let main: Vec<usize> = (0..published.len()).filter(|&position| is_main(position)).collect();
    let groups = by_signature(main.iter().map(|&position| (position, &published[position].signature)));
    for (signature, positions) in groups {
        let layers = given.get(signature).map_or(&[][..], Vec::as_slice);
        if layers.len() != positions.len() {
            return Err(ambiguous(format!("{signature} is a layer of a main path as well as of a skip path")));
        }
        positions.iter().zip(layers).for_each(|(&position, &layer)| assigned[position] = Some(layer));
    }
    let place = |position: usize| assigned[position].map(|layer: usize| order[layer]);
    check_paths(published, &main, place, which)?;
    let sequence = sequence(published, &main, place);

    // What follows a layer of a main path has its place.
    let place_of = |leader: Option<usize>| leader.and_then(|leader| sequence.iter().position(|&other| other == leader));
    let skips = (0..published.len()).filter(|&position| is_skip[position]);
    let skips = skips.map(|position| (place_of(main_path(published, &published[position]).next()), position));
    let norms = (0..published.len()).filter(|&position| published[position].signature.kind == Kind::BatchNorm);
    let norms = norms.map(|position| {
        let leader = (0..position).rev().find(|&leader| is_main(leader));
        (place_of(leader), position)
    });
    for mut followers in [skips.collect::<Vec<_>>(), norms.collect()] {
        followers.sort();
        let positions: Vec<usize> = followers.into_iter().map(|(_, position)| position).collect();
        for (position, layer) in follow(published, &positions, found, order, which)? {
            assigned[position] = Some(layer);
        }
    }
    let assignment: Option<Vec<usize>> = assigned.into_iter().collect();
    assignment.ok_or_else(|| ambiguous(format!("by the order {which}, layers are left over")))
}

/// Pairs published layers in the order of those they follow with the file's layers of such shapes in its order.
fn follow(
    published: &[PublishedLayer],
    positions: &[usize],
    found: &[FoundLayer],
    order: &Order,
    which: &str,
) -> Result<Vec<(usize, usize)>, KerasError> {
    let same = |layer: &FoundLayer| positions.iter().any(|&other| published[other].signature == layer.signature);
    let mut layers: Vec<usize> = (0..found.len()).filter(|&layer| same(&found[layer])).collect();
    layers.sort_by_key(|&layer| order[layer]);
    let pairs = positions.iter().zip(layers).map(|(&position, layer)| {
        let (expected, given) = (&published[position], &found[layer]);
        if expected.signature == given.signature {
            return Ok((position, layer));
        }
        let (label, name) = (given.label(), &expected.name);
        let (given, expected) = (&given.signature, &expected.signature);
        Err(ambiguous(format!(
            "by the order {which}, layer {label} should be {name} but holds {given}, not {expected}"
        )))
    });
    pairs.collect()
}

/// Refuses an order that is not the published one along each path: the layers before, in, and after each branch.
fn check_paths(
    published: &[PublishedLayer],
    main: &[usize],
    place: impl Fn(usize) -> Option<u64>,
    which: &str,
) -> Result<(), KerasError> {
    for (index, &later) in main.iter().enumerate() {
        for &earlier in &main[..index] {
            let (first, second) = (&published[earlier], &published[later]);
            let beside = first.branch().is_some() && second.branch().is_some() && first.branch() != second.branch();
            if !beside && first.signature.kind == second.signature.kind && place(earlier) >= place(later) {
                let (first, second) = (&first.name, &second.name);
                return Err(ambiguous(format!("by the order {which}, {second} would come before {first}")));
            }
        }
    }
    Ok(())
}

/// The layers of the main paths in the order of the file. Kinds are numbered by themselves, so where they change is
/// taken from the published order.
fn sequence(published: &[PublishedLayer], main: &[usize], place: impl Fn(usize) -> Option<u64>) -> Vec<usize> {
    let mut by_kind: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for &position in main {
        by_kind.entry(published[position].signature.kind).or_default().push(position);
    }
    let mut by_kind: BTreeMap<Kind, _> = by_kind
        .into_iter()
        .map(|(kind, mut positions)| {
            positions.sort_by_key(|&position| place(position));
            (kind, positions.into_iter())
        })
        .collect();
    main.iter().filter_map(|&position| by_kind.get_mut(&published[position].signature.kind)?.next()).collect()
}

fn ambiguous(reason: String) -> KerasError {
    KerasError::Ambiguous { reason }
}
