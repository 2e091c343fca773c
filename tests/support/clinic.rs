//! A clinic that never was: synthetic recordings in WFDB files with a table, and the command that works on them.
#![allow(dead_code)]

use ecgnet::ecg::{Ecg, Lead};
use ecgnet::signal::synthetic::{Parameters, synthetic};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What must never be printed.
pub const NAME: &str = "Mustermann";

pub struct Clinic {
    folder: TempDir,
}

impl Clinic {
    /// Recordings of as many people, every second a woman, aged 20 upwards; of each eight, four are for training and
    /// two each for validation and testing.
    pub fn new(people: usize) -> Clinic {
        let clinic = Clinic { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(clinic.path("ecgs")).unwrap();
        let mut table = "file,id,patient,age,sex,group\n".to_owned();
        for number in 0..people {
            let (age, sex) = (20 + 60 * number / people, if number % 2 == 0 { "F" } else { "M" });
            let group = ["train", "train", "train", "train", "validation", "validation", "test", "test"][number % 8];
            let parameters = Parameters {
                heart_rate: 50.0 + age as f64,
                scale: if sex == "F" { 0.8 } else { 1.2 },
                seed: number as u64,
                ..Parameters::default()
            };
            let comments = format!("#Age: {age}\n#Sex: {sex}\n#Name: Erika {NAME}\n");
            clinic.record(&format!("ecgs/r{number}"), &synthetic(parameters), &comments);
            writeln!(table, "ecgs/r{number}.hea,r{number},p{number},{age},{sex},{group}").unwrap();
        }
        std::fs::write(clinic.path("clinic.csv"), table).unwrap();
        clinic
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a recording as 16-bit integers, a thousand a millivolt.
    pub fn record(&self, name: &str, ecg: &Ecg, comments: &str) {
        let bare = Path::new(name).file_name().unwrap().to_str().unwrap();
        let mut header = format!("{bare} {} {} {}\n", ecg.leads().len(), ecg.sampling_rate(), ecg.samples());
        for (lead, _) in ecg.leads() {
            writeln!(header, "{bare}.dat 16 1000/mV 16 0 0 0 0 {lead}").unwrap();
        }
        std::fs::write(self.path(&format!("{name}.hea")), header + comments).unwrap();
        let value = |lead: Lead, sample: usize| (ecg.lead(lead).unwrap()[sample] * 1000.0).round() as i16;
        let frames = (0..ecg.samples()).flat_map(|sample| Lead::ALL.map(|lead| value(lead, sample)));
        let bytes: Vec<u8> = frames.flat_map(i16::to_le_bytes).collect();
        std::fs::write(self.path(&format!("{name}.dat")), bytes).unwrap();
    }

    /// The command in the clinic's folder; `arguments` are separated by blanks.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecgnet"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env("ECGNET_CACHE", self.path("cache"))
            .env("ECGNET_WEIGHTS", self.path("weights"));
        command
    }

    /// Runs the command and returns what it printed.
    pub fn run(&self, arguments: &str) -> Printed {
        Printed::new(self.command(arguments).output().unwrap())
    }

    /// Runs the command, which must succeed, and returns its standard output.
    pub fn succeed(&self, arguments: &str) -> String {
        let printed = self.run(arguments);
        assert_eq!(printed.status, 0, "{arguments}\n{}", printed.errors);
        printed.text
    }

    /// Runs the command, which must fail, and returns its standard error.
    pub fn fail(&self, arguments: &str) -> String {
        let printed = self.run(arguments);
        assert_eq!(printed.status, 1, "{arguments}\n{}{}", printed.text, printed.errors);
        printed.errors
    }
}

pub struct Printed {
    pub status: i32,
    pub text: String,
    pub errors: String,
}

impl Printed {
    fn new(output: Output) -> Printed {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (text, errors) = (text(output.stdout), text(output.stderr));
        assert!(!text.contains(NAME) && !errors.contains(NAME), "a name was printed:\n{text}{errors}");
        Printed { status: output.status.code().unwrap_or(-1), text, errors }
    }
}
