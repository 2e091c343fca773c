use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::ecg::Sex;

/// Made-up people: some with two ECGs, some without age or sex, errors which differ between networks.
fn made_up(people: usize) -> Vec<NetworkOutcomes> {
    let networks = [("cnn", 9.5_f64, 0.9), ("dnn", 8.8, 1.4), ("resnet18", 8.3, 1.9), ("multiscale", 8.2, 2.0)];
    networks
        .into_iter()
        .map(|(network, spread, skill)| {
            let mut generator = ChaCha8Rng::seed_from_u64(11);
            let mut own = ChaCha8Rng::seed_from_u64(spread.to_bits());
            let outcomes = (0..people).map(|number| outcome(number, spread, skill, &mut generator, &mut own)).collect();
            NetworkOutcomes {
                network: network.to_owned(),
                weights: "made up".to_owned(),
                age_coverage: Some(0.9),
                outcomes,
            }
        })
        .collect()
}

fn outcome(number: usize, spread: f64, skill: f64, people: &mut ChaCha8Rng, own: &mut ChaCha8Rng) -> Outcome {
    let normal = |generator: &mut ChaCha8Rng| (0..12).map(|_| generator.random::<f64>()).sum::<f64>() - 6.0;
    let age = (58.0 + 17.0 * normal(people)).clamp(18.0, 97.0).round();
    let female = people.random::<f64>() < 0.48;
    let difficulty = normal(people);
    let predicted = 58.0 + 0.82 * (age - 58.0) + spread * (0.8 * difficulty + 0.6 * normal(own));
    let logit = (if female { skill } else { -skill }) + 1.3 * normal(own) + 0.6 * difficulty;
    Outcome {
        id: format!("SECRET-record-{number}"),
        patient: Some(format!("SECRET-person-{}", number - number % 7 / 6)),
        age: (number % 50 != 3).then_some(age as f32),
        sex: (number % 40 != 5).then_some(if female { Sex::Female } else { Sex::Male }),
        predicted_age: Some(predicted as f32),
        age_low: Some((predicted - 13.0) as f32),
        age_high: Some((predicted + 13.0) as f32),
        probability_female: Some((1.0 / (1.0 + (-logit).exp())) as f32),
    }
}

fn data_set() -> DataSet {
    DataSet {
        name: "Made-up <people> & ECGs".to_owned(),
        split: "test".to_owned(),
        left_out: vec![LeftOut { reason: "file | not readable".to_owned(), count: 3 }],
        warnings: vec!["Of <these> everybody is made up.".to_owned()],
        notes: vec!["Nobody was harmed.".to_owned()],
    }
}

fn training_log() -> TrainingLog {
    let row = |epoch: u32| {
        let (t, rate) = (f64::from(epoch), 10_f64.powi(-3 - (epoch / 12) as i32));
        let loss = 0.03 + 0.4 * (-t / 3.0).exp() + 0.002 * (t * 1.7).sin().abs();
        let auc = 0.97 - 0.3 * (-t / 5.0).exp();
        format!("{epoch},{loss},{},{},{auc},{rate}\n", loss * 1.1 + 0.0004 * t, 40.0 * loss + 6.5)
    };
    let head = "epoch,train_loss,validation_loss,validation_mae,validation_auc,learning_rate\n";
    let text = head.to_owned() + &(1..=32).map(row).collect::<String>();
    TrainingLog::parse(text.as_bytes()).unwrap()
}

fn evaluation(people: usize, replicates: usize) -> Evaluation {
    let mut evaluation = Evaluation::new(data_set(), &made_up(people), Bootstrap { replicates, seed: 1 });
    evaluation.training_logs.push(("resnet18".to_owned(), training_log()));
    evaluation
}

fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            found.extend(map.keys().cloned());
            map.values().for_each(|value| keys(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_json_is_documented_and_the_other_way_round() {
    let json = serde_json::to_value(evaluation(60, 20)).unwrap();
    let mut written = BTreeSet::new();
    keys(&json, &mut written);
    let source = include_str!("mod.rs");
    let documentation: String = source.lines().filter(|line| line.starts_with("//! ")).collect::<Vec<_>>().join(" ");
    let section = documentation.split("# evaluation.json").nth(1).unwrap();
    let documented: BTreeSet<String> =
        section.split('`').skip(1).step_by(2).filter(|word| *word != "null").map(str::to_owned).collect();
    assert_eq!(written, documented);
}

#[test]
fn report_is_written_whole_and_without_identifiers() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new").join("report");
    let evaluation = evaluation(500, 200);
    evaluation.write(&target).unwrap();

    let plots: Vec<PathBuf> = fs::read_dir(target.join("plots")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(plots.len(), 3 + 4 * 5 + 1);
    let markdown = fs::read_to_string(target.join("report.md")).unwrap();
    for plot in &plots {
        let svg = fs::read_to_string(plot).unwrap();
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{}: {error}", plot.display()));
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("SECRET"), "{}", plot.display());
        let name = plot.file_name().unwrap().to_str().unwrap();
        assert!(markdown.contains(&format!("(plots/{name})")), "{name} is not in the Markdown");
    }
    let html = fs::read_to_string(target.join("report.html")).unwrap();
    let json = fs::read_to_string(target.join("evaluation.json")).unwrap();
    for text in [&html, &markdown, &json] {
        assert!(!text.contains("SECRET") && !text.contains("NaN"));
    }
    assert_eq!(html.matches("<svg").count(), plots.len());
    assert!(html.contains("Made-up &lt;people&gt; &amp; ECGs"));
    assert!(html.contains("</strong>Of &lt;these&gt; everybody is made up."));
    assert!(!html.contains("src=") && !html.contains("<script") && !html.contains("@import"));
    assert!(markdown.contains("Made-up \\<people\\> \\& ECGs"));
    assert!(markdown.contains("> **Warning:** Of \\<these\\> everybody"));
}

#[test]
fn same_outcomes_give_the_same_report() {
    let html = || html::page(&Content::new(&evaluation(60, 50)));
    assert_eq!(html(), html());
}

#[test]
fn groups_add_up_and_patients_are_counted() {
    let evaluation = evaluation(500, 20);
    assert_eq!(evaluation.population.records, 500);
    assert_eq!(evaluation.population.people, Some(429));
    for network in &evaluation.networks {
        assert_eq!(network.by_decade.iter().map(|group| group.age.n).sum::<usize>(), network.age.n);
        assert_eq!(network.by_sex.iter().map(|group| group.sex.n).sum::<usize>(), network.sex.n);
        assert_eq!((network.age.n, network.sex.n), (490, 487));
        assert_eq!(network.left_out.iter().map(|left_out| left_out.count).sum::<usize>(), 10 + 13);
    }
}

#[test]
fn the_best_network_has_no_difference_and_the_others_do() {
    let evaluation = evaluation(500, 200);
    let best = evaluation.best_for_age().unwrap();
    for (number, network) in evaluation.networks.iter().enumerate() {
        let difference = network.mae_difference.value;
        if number == best {
            assert_eq!(difference, None);
        } else {
            let lowest = evaluation.networks[best].age.figures.mae.value.unwrap();
            let expected = network.age.figures.mae.value.unwrap() - lowest;
            assert!((difference.unwrap() - expected).abs() < 1e-9);
            assert!(network.mae_difference.low < difference && difference < network.mae_difference.high);
        }
    }
}

#[test]
fn summary_has_a_line_a_network_and_aligned_columns() {
    let summary = evaluation(60, 50).summary();
    let widths: BTreeSet<usize> = summary.lines().map(|line| line.chars().count()).collect();
    assert_eq!(summary.lines().count(), 2 + 4 + 1);
    assert_eq!(widths.len(), 1, "{summary}");
    assert!(summary.contains("resnet18"));
}

#[test]
fn a_network_given_twice_is_told_apart() {
    let mut networks = made_up(20);
    networks[1].network = "cnn".to_owned();
    networks[2].network = "cnn".to_owned();
    networks[2].weights = "other".to_owned();
    let evaluation = Evaluation::new(data_set(), &networks, Bootstrap { replicates: 5, seed: 1 });
    let labels: Vec<&str> = evaluation.networks.iter().map(|network| network.label.as_str()).collect();
    assert_eq!(labels, ["cnn (made up)", "cnn (made up) #2", "cnn (other)", "multiscale"]);
    let content = Content::new(&evaluation);
    let files: BTreeSet<&str> = content.plots().map(|plot| plot.file.as_str()).collect();
    assert_eq!(files.len(), content.plots().count());
}

#[test]
fn nothing_nobody_and_nonsense_still_make_a_report() {
    let nonsense = |number: usize| Outcome {
        id: number.to_string(),
        age: [None, Some(f32::NAN), Some(300.0), Some(40.0)][number % 4],
        sex: Some(Sex::Female),
        predicted_age: [Some(f32::INFINITY), Some(3e38), None, Some(-3e38)][number % 4],
        age_low: Some(f32::NEG_INFINITY),
        age_high: Some(1.0),
        probability_female: [Some(f32::NAN), Some(2.0), Some(0.5), None][number % 4],
        ..Outcome::default()
    };
    let network = |n: usize| NetworkOutcomes {
        network: "network".to_owned(),
        outcomes: (0..n).map(nonsense).collect(),
        ..NetworkOutcomes::default()
    };
    for networks in [vec![], vec![network(0)], vec![network(1)], vec![network(40), network(4)]] {
        let evaluation = Evaluation::new(DataSet::default(), &networks, Bootstrap { replicates: 20, seed: 1 });
        let folder = tempfile::tempdir().unwrap();
        evaluation.write(folder.path()).unwrap();
        let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(!html.contains("NaN") && !html.contains(">inf"));
        assert!(!evaluation.summary().contains("NaN"));
    }
}

#[test]
fn predictions_are_written_as_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.csv");
    let mut networks = made_up(4);
    networks[0].outcomes[0].id = "a,\"b\"".to_owned();
    write_predictions_csv(&path, &networks).unwrap();
    let mut reader = csv::Reader::from_path(&path).unwrap();
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), PREDICTION_COLUMNS);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 16);
    assert_eq!(&rows[0][2], "a,\"b\"");
    assert_eq!(&rows[3][4], "", "the age of number 3 is unknown");
    assert_eq!(rows[1][6].parse::<f32>().ok(), networks[0].outcomes[1].predicted_age);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = evaluation(4, 1).write(file.path()).unwrap_err();
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}

/// Writes report and predictions of the made-up people where `ECGNET_REPORT_EXAMPLE` points, to be looked at.
#[test]
fn example() {
    if let Some(folder) = std::env::var_os("ECGNET_REPORT_EXAMPLE") {
        let evaluation = evaluation(500, 1000);
        evaluation.write(Path::new(&folder)).unwrap();
        write_predictions_csv(&Path::new(&folder).join("predictions.csv"), &made_up(500)).unwrap();
        eprintln!("{}", evaluation.summary());
    }
}
