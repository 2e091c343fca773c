//! `ecgnet predict`, `ecgnet networks` and `ecgnet split`.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/clinic.rs"]
mod clinic;

mod support;

use burn::tensor::Device;
use clinic::Clinic;
use ecgnet::estimate::Estimator;
use ecgnet::network::assembly::Assembly;
use ecgnet::network::weights::{Calibration, Precision, Weights, WeightsDescription};
use ecgnet::network::{Architecture, Target};
use ecgnet::signal::synthetic::{Parameters, synthetic};
use ecgnet::signal::{Preprocessing, Window};
use ecgnet::training::{Recipe, Training};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::process::Stdio;

fn weights(target: Target) -> Weights {
    let assembly = Assembly::new(Architecture::Cnn, target);
    let calibration = Calibration { age_half_width: Some(15.0), ..Calibration::default() };
    let description = WeightsDescription {
        architecture: Architecture::Cnn,
        target,
        preprocessing: Preprocessing::Time,
        calibration,
        training: serde_json::Map::new(),
    };
    Weights { description, tensors: Training::new(assembly, Recipe::ours(), 3, &Device::flex()).best_tensors() }
}

/// A clinic whose program has untrained weights of cnn.
fn clinic(people: usize) -> Clinic {
    let clinic = Clinic::new(people);
    std::fs::create_dir(clinic.path("weights")).unwrap();
    let entries = [Target::Age, Target::Sex].map(|target| {
        let bytes = weights(target).to_bytes(Precision::Bits32).unwrap();
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(clinic.path(&format!("weights/{target}.safetensors")), &bytes).unwrap();
        json!({
            "network": "cnn", "target": target, "file": format!("{target}.safetensors"), "bytes": bytes.len(),
            "sha256": sum, "preprocessing": "time", "figures": [{ "data": "clinic", "split": "test", "records": 4, "age_mae": { "value": 9.5, "low": 9.0, "high": 10.0 } }]
        })
    });
    let manifest = json!({ "default": "cnn", "networks": entries });
    std::fs::write(clinic.path("weights/manifest.json"), manifest.to_string()).unwrap();
    clinic
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_table_shows_what_the_file_states() {
    let clinic = clinic(2);
    let printed = clinic.run("predict ecgs");
    assert_eq!((printed.status, printed.errors.as_str()), (0, ""));
    let lines: Vec<&str> = printed.text.lines().collect();
    assert!(lines[0].starts_with("file ") && lines[0].contains("90 % range"), "{}", printed.text);
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains("r0.hea") && lines[1].contains("20 female"), "{}", printed.text);
    assert!(lines[2].contains("r1.hea") && lines[2].contains("50 male"), "{}", printed.text);
}

#[test]
fn objects_say_what_the_library_says() {
    let clinic = clinic(3);
    let said = objects(&clinic.succeed("predict --json ecgs/r2.hea ecgs/r0.hea ecgs/r0.dat"));
    assert_eq!(said.len(), 2, "the signal file is no recording of its own");
    let estimator = Estimator::new(vec![weights(Target::Age), weights(Target::Sex)], &Device::flex()).unwrap();
    for (said, name) in said.iter().zip(["ecgs/r2.hea", "ecgs/r0.hea"]) {
        let ecg = ecgnet::format::open(&clinic.path(name), &Default::default()).unwrap();
        let expected = estimator.estimate(&ecg, Window::default()).unwrap();
        let (age, sex) = (expected.age.unwrap(), expected.sex.unwrap());
        assert_eq!(said["file"], name);
        assert_eq!(said["network"], "cnn");
        let interval = age.interval.unwrap();
        let number = |name: &str| said[name].as_f64().unwrap() as f32;
        assert_eq!((number("age"), number("age_low"), number("age_high")), (age.years, interval.0, interval.1));
        assert_eq!((&said["sex"], number("probability_female")), (&json!(sex.sex), sex.probability_female));
        assert_eq!(said["warnings"], json!([]));
        let names: Vec<&String> = said.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 10, "{names:?}");
        assert_eq!(said["stated_age"].as_f64().map(|age| age as f32), ecg.person.age);
        assert_eq!(said["stated_sex"], json!(ecg.person.sex));
    }
}

#[test]
fn a_bad_file_is_one_line_and_the_others_go_on() {
    let clinic = clinic(20);
    std::fs::write(clinic.path("ecgs/r3.dat"), "cut off").unwrap();
    std::fs::write(clinic.path("ecgs/notes.md"), "no recording").unwrap();
    std::fs::write(clinic.path("ecgs/letter"), "no recording either").unwrap();
    std::fs::write(clinic.path("ecgs/zeros.npy"), "no array").unwrap();
    let printed = clinic.run("predict --json ecgs missing.hea");
    assert_eq!(printed.status, 1);
    let said = objects(&printed.text);
    let order: Vec<&str> = said.iter().map(|object| object["file"].as_str().unwrap()).collect();
    let mut expected: Vec<String> = (0..20).map(|number| format!("ecgs/r{number}.hea")).collect();
    expected.sort();
    expected.extend(["ecgs/zeros.npy".to_owned(), "missing.hea".to_owned()]);
    assert_eq!(order, expected);
    let codes: Vec<&str> = said.iter().filter_map(|object| object["error"]["code"].as_str()).collect();
    assert_eq!(codes, ["truncated", "unknown-format", "io"]);
    assert!(said.iter().all(|object| object["error"].is_null() || object["error"]["message"].is_string()));
    assert!(said.iter().all(|object| object["network"] == "cnn"));
    assert!(printed.errors.contains("2 other files were passed over"), "{}", printed.errors);
    assert!(printed.errors.contains("ecgs/notes.md: not named like a recording"), "{}", printed.errors);
    assert!(printed.errors.contains("ecgs/letter: looks like a text file"), "{}", printed.errors);
    assert!(printed.errors.contains("3 of 22 recordings could not be estimated"), "{}", printed.errors);
}

#[test]
fn comma_separated_values_have_a_line_for_every_file() {
    let clinic = clinic(2);
    std::fs::write(clinic.path("bad,name.npy"), "").unwrap();
    let printed = clinic.run("predict --csv ecgs bad,name.npy");
    assert_eq!(printed.status, 1);
    let mut table = csv::Reader::from_reader(printed.text.as_bytes());
    let columns = table.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[1][column("file")], &rows[1][column("stated_age")]), ("ecgs/r1.hea", "50"));
    assert!(rows[1][column("age")].parse::<f32>().is_ok() && rows[1][column("error_code")].is_empty());
    assert_eq!((&rows[2][column("file")], &rows[2][column("error_code")]), ("bad,name.npy", "empty"));
}

#[test]
fn archives_and_compressed_files_are_opened() {
    let clinic = clinic(3);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(clinic.path("exams.zip")).unwrap());
    let files = ["r0.hea", "r0.dat", "r1.hea", "r1.dat"].map(|name| (name, format!("ecgs/{name}")));
    for (name, file) in files {
        zip.start_file(format!("ward/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(clinic.path(&file)).unwrap()).unwrap();
    }
    for other in ["readme.txt", "list.csv", "scan.pdf"] {
        zip.start_file(other, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"no ECG").unwrap();
    }
    zip.finish().unwrap();
    let header = std::fs::read(clinic.path("ecgs/r2.hea")).unwrap();
    let gz = std::fs::File::create(clinic.path("ecgs/r2.hea.gz")).unwrap();
    flate2::write::GzEncoder::new(gz, flate2::Compression::default()).write_all(&header).unwrap();
    std::fs::remove_file(clinic.path("ecgs/r2.hea")).unwrap();
    std::fs::create_dir(clinic.path("folder")).unwrap();
    std::fs::copy(clinic.path("exams.zip"), clinic.path("folder/copy.zip")).unwrap();

    let printed = clinic.run("predict --json exams.zip folder ecgs/r2.hea.gz ecgs/r0.hea ecgs/r1.hea");
    assert_eq!(printed.status, 0, "{}", printed.errors);
    let found = objects(&printed.text);
    let files: Vec<&str> = found.iter().map(|object| object["file"].as_str().unwrap()).collect();
    assert_eq!(
        files,
        [
            "exams.zip/ward/r0.hea",
            "exams.zip/ward/r1.hea",
            "folder/copy.zip/ward/r0.hea",
            "folder/copy.zip/ward/r1.hea",
            "ecgs/r2.hea.gz",
            "ecgs/r0.hea",
            "ecgs/r1.hea"
        ]
    );
    for (packed, plain) in [(0, 5), (1, 6), (2, 5), (3, 6)] {
        assert_eq!(found[packed]["age"], found[plain]["age"]);
    }
    assert!(printed.errors.contains("6 other files were passed over"), "{}", printed.errors);

    let empty = clinic.path("empty.zip");
    zip::ZipWriter::new(std::fs::File::create(empty).unwrap()).finish().unwrap();
    std::fs::write(clinic.path("folder/broken.zip"), b"PK\x03\x04").unwrap();
    let printed = clinic.run("predict --json empty.zip folder");
    assert_eq!(printed.status, 1);
    let found = objects(&printed.text);
    let codes: Vec<&str> = found.iter().filter_map(|object| object["error"]["code"].as_str()).collect();
    assert_eq!((found.len(), codes), (4, vec!["not-an-ecg", "damaged"]));
}

#[test]
fn what_a_file_does_not_say_can_be_stated() {
    let clinic = clinic(1);
    let long = synthetic(Parameters { seconds: 25.0, sampling_rate: 250.0, ..Parameters::default() });
    clinic.record("long", &long, "");
    let warnings = |options: &str| {
        let said = objects(&clinic.succeed(&format!("predict --json {options} long.hea")));
        said[0]["warnings"].to_string()
    };
    assert!(warnings("--start 12").contains("from second 12.0"));
    assert!(warnings("").contains("resampled from 250 Hz"));
    assert!(!warnings("--sampling-rate 500").contains("resampled"));
    assert!(warnings("--sampling-rate 500").contains("the stated 500 Hz replace the file's 250 Hz"));
    assert!(warnings("--unit adc:1000000").contains("implausible"));
    assert!(warnings("--start 20").contains("begins at second 15.0 instead"));
    assert!(clinic.run("predict --json --start 25 long.hea").text.contains("the recording has 25.0 s, none from"));
    for wrong in ["--unit mmHg", "--start -1", "--leads I,II,V9", "--sampling-rate 0", "--csv --json", "--weights"] {
        assert_eq!(clinic.run(&format!("predict {wrong} long.hea")).status, 2, "{wrong}");
    }
}

#[test]
fn weights_are_checked() {
    let clinic = clinic(1);
    let errors = clinic.fail("predict --network dnn ecgs");
    assert!(errors.contains("there are no weights of dnn; there are: cnn"), "{errors}");
    clinic.succeed("predict --weights weights/age.safetensors ecgs");
    for second in ["weights", "weights/sex.safetensors"] {
        let errors = clinic.fail(&format!("predict --weights weights/age.safetensors {second} ecgs"));
        assert!(errors.contains(&format!("{second} holds weights and no recording")), "{errors}");
    }
    std::fs::write(clinic.path("network.onnx"), b"\x08\x0a\x12\x06ecgnet").unwrap();
    let errors = clinic.fail("predict --weights network.onnx ecgs");
    assert!(errors.contains("an ONNX graph; `ecgnet import`"), "{errors}");
    let errors = clinic.fail("predict --weights weights/age.safetensors --weights weights/age.safetensors ecgs");
    assert!(errors.contains("two of the weights estimate the age"), "{errors}");
    let text = clinic.succeed("networks");
    assert!(text.contains("215249") && text.contains("55508737") && text.contains("age MAE 9.50"), "{text}");

    let path = clinic.path("weights/age.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let errors = clinic.fail("predict ecgs");
    assert!(errors.contains("age.safetensors is not the file that the manifest means"), "{errors}");
    std::fs::remove_dir_all(clinic.path("weights")).unwrap();
    let errors = clinic.fail("predict ecgs");
    assert!(errors.contains("--weights"), "{errors}");
    assert!(clinic.succeed("networks").contains("no weights found"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let clinic = clinic(40);
    let command = clinic.command("predict --json ecgs").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = command.unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn a_split_is_written_and_read_again() {
    let clinic = Clinic::new(40);
    let table = clinic.read("clinic.csv").replace(",p39,", ",p0,");
    std::fs::write(clinic.path("clinic.csv"), table).unwrap();
    let text = clinic.succeed("split --data clinic.csv --out groups.csv");
    assert!(
        text.contains("groups of the table") && text.contains("1 of 39 patients is in more than one part"),
        "{text}"
    );
    let text = clinic.succeed("split --data clinic.csv --by-patient 3 --out drawn.csv");
    assert!(text.contains("no patient of 39 is in more than one part"), "{text}");
    assert_eq!(clinic.read("drawn.csv").lines().count(), 41);
    clinic.succeed("split --data clinic.csv --split drawn.csv --out again.csv");
    assert_eq!(clinic.read("again.csv"), clinic.read("drawn.csv"));
    let text = clinic.succeed("split --data clinic.csv --folds train/validation/test --out folds.csv");
    assert!(text.contains("folds train/validation/test"), "{text}");
    assert_eq!(clinic.read("folds.csv"), clinic.read("groups.csv"));

    let errors = clinic.fail("split --data clinic.csv --published --out published.csv");
    assert!(errors.contains("SPH"), "{errors}");
    assert_eq!(clinic.run("split --data clinic.csv --published --by-patient 1").status, 2);
    // Headers alone do not name patients: everybody is a person of their own.
    let text = clinic.succeed("split --data ecgs --by-patient 1");
    assert!(text.contains("of 40 of 40 records the patient is not stated"), "{text}");
}

/// The published split was drawn by record: 134 test records belong to people who are also learned from.
#[test]
fn the_published_split_is_checked_on_the_whole_table() {
    let Some(data) = support::shared("data/sph") else { return };
    let clinic = Clinic::new(0);
    let text = clinic.succeed(&format!("split --data {} --published --out published.csv", data.display()));
    assert!(text.contains("with 134 of the test records"), "{text}");
    assert_eq!(clinic.read("published.csv").lines().count(), 1 + 8898 + 2224 + 2781);
}
