//! What a data set needs of a WFDB header (`.hea`): the files it names and the comments about the person. The signal
//! lines themselves are read by [`crate::format`].

use crate::format::wfdb;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Headers have about a kilobyte; more than this is not read.
const LONGEST_HEADER: u64 = 1024 * 1024;

/// The part of a header that tells the record's place in a collection.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Header {
    /// The signal files, or the headers of the segments, as named in the header; each once.
    pub files: Vec<String>,
    /// The text after `#Age:`.
    pub age: Option<String>,
    /// The text after `#Sex:`.
    pub sex: Option<String>,
    /// The codes after `#Dx:`.
    pub diagnoses: Vec<String>,
}

impl Header {
    pub fn read(path: &Path) -> std::io::Result<Header> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LONGEST_HEADER).read_to_end(&mut bytes)?;
        Ok(Header::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Header {
        let mut header = Header { files: wfdb::files_of(text), ..Header::default() };
        for comment in text.lines().filter_map(|line| line.trim().strip_prefix('#')) {
            header.take_comment(comment);
        }
        header
    }

    fn take_comment(&mut self, comment: &str) {
        let Some((key, value)) = comment.split_once(':') else { return };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "age" if self.age.is_none() => self.age = Some(value.to_owned()),
            "sex" if self.sex.is_none() => self.sex = Some(value.to_owned()),
            "dx" => self.diagnoses = value.split(',').filter_map(super::values::optional).collect(),
            _ => {}
        }
    }

    /// The named files as paths, beside the header.
    pub fn paths<'h>(&'h self, header: &'h Path) -> impl Iterator<Item = PathBuf> + 'h {
        self.files.iter().map(|name| header.with_file_name(name))
    }
}

/// Whether a file is a WFDB header by its name.
pub(super) fn is_header(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("hea"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_files_are_found() {
        let text = "#made by hand\nA0001 2 500 7500\nA0001.mat 16+24 1000/mV 16 0 28 -1716 0 I\n\
            A0001.mat 16+24 1000/mV 16 0 7 2029 0 II\n# Age : 74\n#Sex: Male\n#Age: 75\n#Dx: 59118001,426783006\n#Rx\n";
        let header = Header::parse(text);
        assert_eq!(header.files, ["A0001.mat"]);
        assert_eq!((header.age.as_deref(), header.sex.as_deref()), (Some("74"), Some("Male")));
        assert_eq!(header.diagnoses, ["59118001", "426783006"]);
    }

    #[test]
    fn segments_are_headers() {
        let header = Header::parse("s/3 2 500 30\ns_0 10\n~ 10\ns_1 10\n");
        assert_eq!(header.files, ["s_0.hea", "s_1.hea"]);
        assert_eq!(Header::parse(""), Header::default());
    }
}
