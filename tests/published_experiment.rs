//! The published experiment on a made-up SPH: the table of all its records, of which some are there, in its files' form,
//! trained, tested and released with the README's commands. Where the sample records of SPH are there, they take part.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/clinic.rs"]
mod clinic;
mod support;

use clinic::Clinic;
use ecgnet::ecg::Ecg;
use ecgnet::signal::synthetic::{Parameters, synthetic};
use half::f16;
use hdf5_pure::{Datatype, DatatypeByteOrder, FileBuilder, FloatingPointLayout};
use std::fmt::Write;
use std::path::Path;

/// Records of SPH whose only statement is "normal ECG"; the published split is drawn from these.
const NORMAL: usize = 13_903;
/// Of the made-up records, every so-manieth is there.
const EVERY: usize = 400;

/// Writes a record as SPH's are: 12 leads x samples, half precision, in chunks compressed by gzip.
fn write_record(path: &Path, ecg: &Ecg) {
    let samples = ecg.samples() as u64;
    let values = ecg.leads().iter().flat_map(|(_, samples)| samples);
    let bytes = values.flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
    let mut builder = FileBuilder::new();
    let dataset = builder.create_dataset("ecg");
    dataset.with_raw_data(half_precision(), bytes, 12 * samples);
    dataset.with_shape(&[12, samples]).with_chunks(&[12, samples]).with_deflate(4);
    std::fs::write(path, builder.finish().unwrap()).unwrap();
}

fn half_precision() -> Datatype {
    Datatype::FloatingPoint {
        size: 2,
        byte_order: DatatypeByteOrder::LittleEndian,
        layout: FloatingPointLayout {
            bit_offset: 0,
            bit_precision: 16,
            exponent_location: 10,
            exponent_size: 5,
            mantissa_location: 0,
            mantissa_size: 10,
            exponent_bias: 15,
        },
    }
}

/// The first rows of SPH's own table with their records, where they are there.
fn sample_rows(folder: &Path) -> Vec<String> {
    let Some(data) = support::shared("data/sph") else { return Vec::new() };
    let table = std::fs::read_to_string(data.join("metadata.csv")).unwrap();
    let rows: Vec<String> = table.lines().skip(1).take(6).map(str::to_owned).collect();
    for row in &rows {
        let name = format!("{}.h5", row.split(',').next().unwrap());
        std::fs::copy(data.join(&name), folder.join(name)).unwrap();
    }
    rows
}

/// Writes the table and the records; returns how many records take part in the split.
fn write_database(clinic: &Clinic) -> usize {
    let folder = clinic.path("sph/records");
    std::fs::create_dir_all(&folder).unwrap();
    let sample = sample_rows(&folder);
    let is_normal = |row: &&String| row.split(',').nth(1) == Some("1");
    let given = sample.iter().filter(is_normal).count();
    let mut table = "ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date\n".to_owned() + &sample.join("\n") + "\n";
    let mut written = 0;
    for number in 0..NORMAL - given {
        let (age, sex) = (20 + number % 61, if number % 2 == 0 { "F" } else { "M" });
        writeln!(table, "B{number:05},1,P{number},{age},{sex},5000,2020-03-04").unwrap();
        if number % EVERY == 0 {
            let parameters = Parameters { heart_rate: 50.0 + age as f64, seed: number as u64, ..Parameters::default() };
            write_record(&folder.join(format!("B{number:05}.h5")), &synthetic(parameters));
            written += 1;
        }
    }
    std::fs::write(clinic.path("sph/metadata.csv"), table).unwrap();
    given + written
}

#[test]
fn the_published_experiment_runs_from_training_to_release() {
    let clinic = Clinic::new(0);
    let records = write_database(&clinic);
    for target in ["age", "sex"] {
        let run = format!("runs/cnn-{target}");
        let text = clinic.succeed(&format!(
            "train --recipe published --published-split --network cnn --target {target} --data sph --epochs 2 --out {run}"
        ));
        assert!(text.contains("published split of SPH") && text.contains("best epoch"), "{text}");
        let split = clinic.read(&format!("{run}/split.csv"));
        assert_eq!(split.lines().count(), 1 + NORMAL);

        let text = clinic.succeed(&format!("evaluate --published-split --data sph --weights {run} --out {run}/report"));
        let report: serde_json::Value =
            serde_json::from_str(&clinic.read(&format!("{run}/report/evaluation.json"))).unwrap();
        let in_test = |line: &&str| {
            let (id, part) = line.split_once(',').unwrap();
            part == "test" && clinic.path(&format!("sph/records/{id}.h5")).exists()
        };
        let test = split.lines().skip(1).filter(in_test).count();
        assert!(test > 0 && test < records / 2, "{test} of {records}");
        assert_eq!(report["population"]["records"], test, "{text}");
        assert_eq!(report["networks"][0][target]["n"], test, "{text}");
    }
    let release = "release runs/cnn-age runs/cnn-sex --data-licence none --out weights --evaluation";
    clinic.succeed(&format!("{release} runs/cnn-age/report/evaluation.json runs/cnn-sex/report/evaluation.json"));
    let text = clinic.succeed("predict sph/records/B00000.h5 --json");
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(said["age"].is_f64() && said["sex"].is_string(), "{text}");
}
