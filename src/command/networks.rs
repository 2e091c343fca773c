//! `ecgnet networks`: which networks there are.

use super::error::CommandError;
use super::{print, weights};
use crate::network::assembly::Assembly;
use crate::network::manifest::Entry;
use crate::network::parameter::ParameterSpecification;
use crate::network::{Architecture, Target};
use crate::report::table::Table;
use clap::Args;

/// List the networks: their parameters, and the weights that come with the program
///
/// Parameters are counted as Keras would. Live ones are those that ever meet anything but padding; only they are trained
/// and stored.
#[derive(Debug, Args)]
pub struct Options {}

pub fn run(_: &Options) -> Result<(), CommandError> {
    let manifest = weights::manifest()?;
    let (mut rows, mut remarks) = (Vec::new(), Vec::new());
    for network in Architecture::ALL {
        let entries = manifest.as_ref().map(|(_, manifest)| manifest.of(network)).unwrap_or_default();
        if entries.is_empty() {
            // The publication counts the parameters with the head for age.
            rows.push(row(network, Target::Age, None));
            remarks.push(Vec::new());
        }
        for entry in entries {
            rows.push(row(network, entry.target, Some(entry)));
            remarks.push(std::iter::once(entry.file.clone()).chain(figures(entry)).collect());
        }
    }
    let columns = vec!["network", "parameters", "live", "target", "MB", "preprocessing"];
    let heading = rows.len();
    let table = Table { caption: "Networks".to_owned(), columns, rows, reference_rows: 0 }.to_text();
    let lines: Vec<&str> = table.trim_end().lines().collect();
    let (heading, lines) = lines.split_at(lines.len().saturating_sub(heading));
    heading.iter().try_for_each(print)?;
    for (line, remarks) in lines.iter().zip(remarks) {
        print(line)?;
        // Below the row, so that the table fits a terminal.
        remarks.iter().try_for_each(|remark| print(format_args!("    {remark}")))?;
    }
    match manifest {
        Some((folder, manifest)) => {
            print(format_args!("\nweights in {}; the default network is {}", folder.display(), manifest.default))
        }
        None => print("\nno weights found; name a file or a folder with --weights, or set ECGNET_WEIGHTS"),
    }
}

fn row(network: Architecture, target: Target, entry: Option<&Entry>) -> Vec<String> {
    let assembly = Assembly::new(network, target);
    let live: usize = assembly.parameters.iter().map(ParameterSpecification::values).sum();
    let of = |cell: fn(&Entry) -> String| entry.map_or_else(|| "-".to_owned(), cell);
    vec![
        network.to_string(),
        assembly.published_parameters().to_string(),
        live.to_string(),
        of(|entry| entry.target.to_string()),
        of(|entry| format!("{:.1}", entry.bytes as f64 / 1e6)),
        of(|entry| entry.preprocessing.to_string()),
    ]
}

/// The figures of weights, those of each data set as `ptbxl: age MAE 8.1, sex AUC 0.93`.
fn figures(entry: &Entry) -> impl Iterator<Item = String> {
    entry.figures.iter().map(|figures| {
        let age = figures.age_mae.map(|mae| format!("age MAE {:.2}", mae.value));
        let sex = figures.sex_auc.map(|auc| format!("sex AUC {:.3}", auc.value));
        format!("{}: {}", figures.data, [age, sex].into_iter().flatten().collect::<Vec<_>>().join(", "))
    })
}
