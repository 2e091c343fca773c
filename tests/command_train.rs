//! `ecgnet train`, and what follows from a training: evaluation, export and import.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/clinic.rs"]
mod clinic;

use clinic::Clinic;
use ecgnet::network::manifest::sha256;
use ecgnet::network::weights::Weights;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const TRAIN: &str = "train --network cnn --target both --data clinic.csv --batch-size 4 --epochs 4 --out";

/// The metrics without the last column, the seconds.
fn metrics(clinic: &Clinic, run: &str) -> Vec<String> {
    let text = clinic.read(&format!("{run}/metrics.csv"));
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

fn weights(clinic: &Clinic, run: &str) -> Vec<u8> {
    std::fs::read(clinic.path(run).join("weights.safetensors")).unwrap()
}

/// The tensors of a weights file by name.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<f32>> {
    let tensors = Weights::from_bytes(bytes).unwrap().tensors;
    tensors.into_iter().map(|tensor| (tensor.name, tensor.values.into_f32())).collect()
}

#[test]
fn a_killed_training_is_resumed_exactly() {
    let clinic = Clinic::new(16);
    let text = clinic.succeed(&format!("{TRAIN} whole"));
    assert_eq!(text.lines().filter(|line| line.starts_with("epoch ")).count(), 4, "{text}");
    let expected = metrics(&clinic, "whole");
    assert_eq!(expected[0], "epoch,train_loss,validation_loss,validation_mae,validation_auc,learning_rate");
    assert_eq!(expected.len(), 5);

    let mut child = clinic.command(&format!("{TRAIN} killed")).stdout(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let epochs = || std::fs::read_to_string(clinic.path("killed/metrics.csv")).map_or(0, |text| text.lines().count());
    while epochs() < 2 {
        assert!(start.elapsed() < Duration::from_secs(600), "no epoch was done in ten minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // What would be another training is refused, and nothing of it is written.
    let errors = clinic.fail(&format!("{TRAIN} killed"));
    assert!(errors.contains("--resume"), "{errors}");
    let errors = clinic.fail(&format!("{TRAIN} killed --resume --seed 2 --learning-rate 0.5"));
    assert!(errors.contains("seed was 1 and is 2") && errors.contains("learning_rate was"), "{errors}");
    let errors = clinic.fail(&format!("{TRAIN} nothing --resume"));
    assert!(errors.contains("nothing holds no checkpoint"), "{errors}");
    let errors = clinic.fail(&format!("{TRAIN} killed --resume --by-patient 7"));
    assert!(errors.contains("the records of the parts"), "{errors}");

    clinic.succeed(&format!("{TRAIN} killed --resume"));
    assert_eq!(metrics(&clinic, "killed"), expected);
    assert_eq!(clinic.read("killed/split.csv"), clinic.read("whole/split.csv"));
    assert!(weights(&clinic, "killed") == weights(&clinic, "whole"), "the weights are others");

    // A finished training has nothing left to do.
    clinic.succeed(&format!("{TRAIN} killed --resume"));
    assert!(weights(&clinic, "killed") == weights(&clinic, "whole"), "the weights are others");
}

#[test]
fn a_training_describes_itself_without_paths() {
    let clinic = Clinic::new(16);
    clinic.succeed(
        "train --network cnn --target age --data clinic.csv --recipe published --epochs 1 --batch-size 4 --seed 7 --out a",
    );
    assert!(clinic.read("a/training.svg").starts_with("<svg"));
    let weights = Weights::from_bytes(&weights(&clinic, "a")).unwrap();
    let training = &weights.description.training;
    assert_eq!(
        training["command"],
        "ecgnet train --network cnn --target age --data clinic --recipe published --preprocessing lead --seed 7 \
         --epochs 1 --batch-size 4"
    );
    assert_eq!((&training["train"]["records"], &training["validation"]["people"]), (&8.into(), &4.into()));
    assert_eq!(training["best_epoch"], 1);
    let folder = clinic.path("").to_string_lossy().into_owned();
    assert!(!serde_json::to_string(&weights.description).unwrap().contains(&folder));
}

#[test]
fn what_cannot_be_trained_is_said() {
    let clinic = Clinic::new(8);
    let errors = clinic.fail("train --network cnn --target age --data nowhere --out a");
    assert!(errors.contains("nowhere: neither a folder nor a file"), "{errors}");
    let errors = clinic.fail("train --network cnn --target age --data clinic.csv --folds train/8 --out a");
    assert!(errors.contains("no record is in fold 8"), "{errors}");
    std::fs::write(clinic.path("split.csv"), "id,part\nr0,train\n").unwrap();
    let errors = clinic.fail("train --network cnn --target age --data clinic.csv --split split.csv --out a");
    assert!(errors.contains("no record with age is in the validation part"), "{errors}");
    if !cfg!(feature = "cuda") {
        let errors = clinic.fail("train --network cnn --target age --data clinic.csv --out a --device cuda");
        assert!(errors.contains("--features cuda"), "{errors}");
    }
    std::fs::write(clinic.path("crops.json"), r#"{"crop_seconds": 5}"#).unwrap();
    let errors = clinic.fail("train --network cnn --target age --data clinic.csv --recipe crops.json --out crops");
    assert!(errors.contains("cnn needs all samples"), "{errors}");
    std::fs::write(clinic.path("one.csv"), "id,part\nr0,train\nr4,validation\n").unwrap();
    let errors = clinic.fail("train --network cnn --target age --data clinic.csv --split one.csv --out one");
    assert!(errors.contains("one example in the training part"), "{errors}");
    let wild = "train --network cnn --target age --data clinic.csv --learning-rate 1e38 --epochs 2 --out wild";
    let errors = clinic.fail(wild);
    assert!(errors.contains("is not a finite number"), "{errors}");
    let printed = clinic.run("train --network cnn --target age --data clinic.csv --recipe none.json --out a");
    assert_eq!(printed.status, 2);
    assert!(printed.errors.contains("recipes with a name are default, published"), "{}", printed.errors);
    assert!(!clinic.path("a").exists());
    assert_eq!(clinic.run("train --network lstm --target age --data clinic.csv --out a").status, 2);
}

#[test]
fn a_training_is_exported_imported_and_evaluated() {
    let clinic = Clinic::new(16);
    for run in ["age", "sex"] {
        clinic.succeed(&format!(
            "train --network cnn --target {run} --data clinic.csv --epochs 2 --batch-size 4 --out {run}"
        ));
    }
    for ending in ["h5", "safetensors"] {
        let text = clinic.succeed(&format!("export age --out published.{ending}"));
        assert!(text.starts_with("cnn for age: 215249 parameters"), "{text}");
        clinic.succeed(&format!(
            "import --network cnn --target age --preprocessing time --precision 16 published.{ending} --out {ending}.st"
        ));
        let imported = std::fs::read(clinic.path(&format!("{ending}.st"))).unwrap();
        assert!(tensors(&imported) == tensors(&weights(&clinic, "age")), "{ending}");
    }
    let errors = clinic.fail("export --network dnn age --out published.h5");
    assert!(errors.contains("of cnn for age, not of dnn for age"), "{errors}");
    let errors = clinic.fail("export age/weights.safetensors --out published.h5");
    assert!(errors.contains("folded"), "{errors}");
    let errors = clinic.fail("import --network cnn --target sex --preprocessing time published.safetensors --out x.st");
    assert!(errors.contains("published.safetensors: tensor"), "{errors}");

    let initial = "train --network cnn --target age --data clinic.csv --epochs 1 --batch-size 4";
    clinic.succeed(&format!("{initial} --initial age --out further"));
    clinic.succeed(&format!("{initial} --initial published.h5 --out from-keras"));
    assert_eq!(metrics(&clinic, "further"), metrics(&clinic, "from-keras"));
    let from_keras = Weights::from_bytes(&weights(&clinic, "from-keras")).unwrap().description.training;
    let published = sha256(&std::fs::read(clinic.path("published.h5")).unwrap());
    assert!(from_keras["command"].as_str().unwrap().contains(&format!(" --initial {published}")), "{from_keras:?}");

    let text = clinic.succeed(
        "evaluate --data clinic.csv --weights age sex further --log age further --out report --predictions all.csv",
    );
    assert!(text.contains("without the ECG") && text.contains("report.html"), "{text}");
    let report: serde_json::Value = serde_json::from_str(&clinic.read("report/evaluation.json")).unwrap();
    assert_eq!(report["data_set"]["split"], "test part, groups of the table");
    assert_eq!(report["population"]["records"], 4);
    let networks = report["networks"].as_array().unwrap();
    let names: Vec<&str> = networks.iter().map(|network| network["weights"].as_str().unwrap()).collect();
    assert_eq!(names, ["age + sex", "further"]);
    assert_eq!((&networks[0]["age"]["n"], &networks[0]["sex"]["n"]), (&4.into(), &4.into()));
    assert!(clinic.read("report/report.md").contains("further"));
    assert_eq!(clinic.read("all.csv").lines().count(), 1 + 2 * 4);

    let printed = clinic.run("evaluate --data ecgs --weights age sex");
    assert!(printed.status == 0 && printed.text.contains("cnn"), "{}", printed.text);
    let called = "8 of 16 ECGs are called like ones of its training part";
    assert!(printed.errors.contains(called), "{}", printed.errors);
    for (part, warning) in [
        ("test", None),
        ("validation", Some("age: 4 of 4 ECGs were in its validation part.")),
        ("train", Some("age: 8 of 8 ECGs were trained on.")),
        ("all", Some("age: 8 of 16 ECGs were trained on, and 4 were in its validation part.")),
    ] {
        let printed = clinic.run(&format!("evaluate --data clinic.csv --weights age --part {part} --out {part}"));
        let told = printed.errors.lines().find_map(|line| line.strip_prefix("WARNING: "));
        assert_eq!(told, warning);
        let report: serde_json::Value = serde_json::from_str(&clinic.read(&format!("{part}/evaluation.json"))).unwrap();
        assert_eq!(report["data_set"]["warnings"][0].as_str(), warning);
    }
    let errors = clinic.fail("evaluate --data clinic.csv --weights age --predictions nowhere/all.csv");
    assert!(errors.starts_with("ecgnet: nowhere/all.csv cannot be written"), "{errors}");
    std::fs::copy(clinic.path("ecgs/r0.dat"), clinic.path("copy.dat")).unwrap();
    let header = clinic.read("ecgs/r0.hea").replace("r0.dat", "copy.dat");
    let header: Vec<&str> = header.lines().filter(|line| !line.starts_with('#')).collect();
    std::fs::write(clinic.path("copy.hea"), header.join("\n")).unwrap();
    std::fs::write(clinic.path("nobody.csv"), "file\ncopy.hea\n").unwrap();
    let errors = clinic.fail("evaluate --data nobody.csv --weights age");
    assert!(errors.contains("no record states the age"), "{errors}");
    let errors = clinic.fail("evaluate --data clinic.csv --weights nothing.safetensors");
    assert!(errors.contains("nothing.safetensors cannot be read"), "{errors}");
}

#[test]
fn a_training_on_crops_is_evaluated_and_released() {
    let clinic = Clinic::new(16);
    std::fs::write(clinic.path("short.json"), r#"{"crop_seconds": 2, "epochs": 2, "batch_size": 4}"#).unwrap();
    clinic.succeed(
        "train --network compact --target both --data clinic.csv --folds train/validation/test \
         --preprocessing band-pass --recipe short.json --out run",
    );
    clinic.succeed("evaluate --data clinic.csv --weights run --out report");
    let release = "release run --evaluation report/evaluation.json --out weights --data-licence";
    let text = clinic.succeed(&format!("{release} none"));
    assert!(text.starts_with("compact for both: 1.78 MB"), "{text}");
    let manifest: serde_json::Value = serde_json::from_str(&clinic.read("weights/manifest.json")).unwrap();
    let entry = &manifest["networks"][0];
    assert_eq!((&manifest["default"], &entry["preprocessing"]), (&"compact".into(), &"band-pass".into()));
    assert_eq!(entry["figures"][0]["records"], 4);
    assert_eq!(entry["training"]["data_licence"], "none");
    let report: serde_json::Value = serde_json::from_str(&clinic.read("report/evaluation.json")).unwrap();
    assert_eq!(entry["figures"][0]["age_mae"], report["networks"][0]["age"]["mae"]);

    // Without the folder of the training, its split is made again.
    let printed = clinic.run("evaluate --data clinic.csv --weights weights --part all");
    let warning = "WARNING: compact-both: 8 of 16 ECGs were trained on, and 4 were in its validation part.";
    assert!(printed.errors.contains(warning), "{}", printed.errors);
    let printed = clinic.run("evaluate --data clinic.csv --weights weights");
    assert!(!printed.errors.contains("WARNING"), "{}", printed.errors);

    // From here on these are the weights that come with the program.
    let text = clinic.succeed("predict ecgs/r0.hea");
    assert!(text.contains("20 female"), "{text}");
    assert!(clinic.succeed("networks").contains("clinic: age MAE"), "{text}");
    let again = clinic.succeed(&format!("{release} none"));
    assert!(again.starts_with("compact for both"), "{again}");
    let errors = clinic.fail("release run run --data-licence none --out other");
    assert!(errors.contains("two of the trainings estimate the age with compact"), "{errors}");
    let errors = clinic.fail("release run --evaluation run/metrics.csv --data-licence none --out weights");
    assert!(errors.contains("metrics.csv is no evaluation.json"), "{errors}");

    let text = clinic.succeed("release run --eight-bits clinic.csv --data-licence none --out rounded");
    assert!(text.starts_with("compact for both: 0.90 MB"), "{text}");
    let manifest: serde_json::Value = serde_json::from_str(&clinic.read("rounded/manifest.json")).unwrap();
    let rounding = &manifest["networks"][0]["rounding"];
    assert_eq!((&rounding["records"], &rounding["sex_changes"]), (&4.into(), &0.0.into()));
    assert!(rounding["mean_age_change"].as_f64().is_some_and(|years| years > 0.0 && years < 0.1), "{rounding}");

    // An ensemble answers the mean of its members, in whatever order they are given.
    for (network, out) in [("resnet18", "residual"), ("dnn", "deep")] {
        clinic.succeed(&format!(
            "train --network {network} --target both --data clinic.csv --preprocessing band-pass --epochs 1 \
             --batch-size 4 --out {out}",
        ));
    }
    clinic.succeed("combine residual run deep run --data clinic.csv --out together");
    let ages = |weights: &str| -> Vec<f64> {
        let printed = clinic.succeed(&format!("predict ecgs --json --weights {weights}"));
        printed
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["age"].as_f64().unwrap())
            .collect()
    };
    let once = ages("residual").into_iter().zip(ages("deep"));
    for ((together, twice), (residual, deep)) in ages("together").into_iter().zip(ages("run")).zip(once) {
        let mean = (2.0 * twice + residual + deep) / 4.0;
        assert!((together - mean).abs() < 0.05, "{together} and {mean}");
    }

    // A hospital calibrates what others trained; by few people the ages are not moved.
    let text = clinic.succeed("calibrate run --data clinic.csv --by-patient 1 --out own");
    assert!(text.starts_with("compact, calibrated on "), "{text}");
    assert_eq!(ages("own"), ages("run"));
    let printed = clinic.run("evaluate --data clinic.csv --by-patient 1 --part validation --weights own");
    assert!(printed.errors.contains("were in its validation part"), "{}", printed.errors);
    let errors = clinic.fail("combine run run residual --data clinic.csv --out run");
    assert!(errors.contains("run already holds a training"), "{errors}");
    let errors = clinic.fail("combine run run --data clinic.csv --out two");
    assert!(errors.contains("made of compact, compact, resnet18, dnn, not of compact, compact"), "{errors}");
}
