//! Tables of ECG files: text with one header line, separated by commas, semicolons or tabs.

use super::left_out::{LeftOut, Reason, TableRow};
use super::{DatasetError, Record};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// The longest header line that is looked at; published tables have a few hundred bytes.
const LONGEST_HEADER: u64 = 64 * 1024;

/// Rows without a file are listed one by one up to this number, and as one entry above it: a published table of which
/// only some files were downloaded has tens of thousands.
const LISTED_ROWS_WITHOUT_FILE: usize = 20;

/// A table with its header read.
pub(super) struct Table {
    path: PathBuf,
    columns: Vec<String>,
    reader: csv::Reader<BufReader<File>>,
    /// How many lines later a row stands than the CSV reader says.
    lines_late: u64,
}

/// One row; a cell that the row does not have is empty.
pub(super) struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    pub fn line(&self) -> u64 {
        self.line
    }

    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The cell of a column that the table may not have.
    pub fn cell_of(&self, column: Option<usize>) -> &str {
        column.map_or("", |column| self.cell(column))
    }
}

impl Table {
    /// Opens a table and reads its header; the separator is the one that is most frequent there.
    pub fn open(path: &Path) -> Result<Table, DatasetError> {
        let unreadable = |source| DatasetError::Read { path: path.to_owned(), source };
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let mut header = Vec::new();
        file.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut header).map_err(unreadable)?;
        // A NUL or an invalid sequence in the header: a binary file, or text in UTF-16.
        if header.contains(&0) || std::str::from_utf8(&header).is_err() {
            return Err(DatasetError::NotText { path: path.to_owned() });
        }
        file.rewind().map_err(unreadable)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator(&header))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(file);
        let columns: Vec<String> = match reader.byte_headers() {
            Ok(names) => names.iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect(),
            Err(error) => return Err(unreadable(error.into())),
        };
        if let Some(column) = first_repeated(&columns) {
            return Err(DatasetError::ColumnTwice { path: path.to_owned(), column });
        }
        Ok(Table { path: path.to_owned(), columns, reader, lines_late: lines_late(&header) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that relative file names start from.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    /// The number of the column with one of these names, in any case.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.columns.iter().position(|column| column.eq_ignore_ascii_case(name)))
    }

    /// As [`Table::column`], for a column without which the table is of no use.
    pub fn needed_column(&self, names: &[&str]) -> Result<usize, DatasetError> {
        self.column(names).ok_or_else(|| DatasetError::NoColumn {
            path: self.path.clone(),
            wanted: names.first().copied().unwrap_or_default().to_owned(),
            found: self.columns.join(", "),
        })
    }

    /// All rows; those with too few or too many cells go to the left out ones.
    pub fn rows(&mut self, left_out: &mut Vec<LeftOut>) -> Result<Vec<Row>, DatasetError> {
        let mut rows = Vec::new();
        let mut fields = csv::ByteRecord::new();
        loop {
            match self.reader.read_byte_record(&mut fields) {
                Ok(true) => {}
                Ok(false) => return Ok(rows),
                Err(error) => return Err(DatasetError::Read { path: self.path.clone(), source: error.into() }),
            }
            let line = fields.position().map_or(0, csv::Position::line) + self.lines_late;
            let surplus = fields.iter().skip(self.columns.len()).any(|field| !field.is_empty());
            if fields.len() < self.columns.len() || surplus {
                let reason = Reason::RowLength { fields: fields.len(), columns: self.columns.len() };
                left_out.push(self.left_out(line, PathBuf::new(), reason));
            } else {
                let cells = fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
                rows.push(Row { line, cells });
            }
        }
    }

    pub fn left_out(&self, line: u64, file: PathBuf, reason: Reason) -> LeftOut {
        let row = Some(TableRow { table: self.path.clone(), line });
        LeftOut { file, row, records: 1, reason }
    }
}

/// How many lines later a row below the header stands than the CSV reader says: of the line ends `\r\n` it counts that
/// before the row after having said where the row begins.
pub(super) fn lines_late(header: &[u8]) -> u64 {
    u64::from(header.ends_with(b"\r\n"))
}

fn separator(header: &[u8]) -> u8 {
    let count = |separator: u8| header.iter().filter(|byte| **byte == separator).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

fn first_repeated(columns: &[String]) -> Option<String> {
    let mut seen = HashSet::new();
    columns.iter().find(|column| !column.is_empty() && !seen.insert(column.as_str())).cloned()
}

/// What to do with a row whose file is not on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AbsentFiles {
    Keep,
    LeaveOut,
}

/// Gathers the records of a table, whose ids and files must be unique.
pub(super) struct Gathering<'t> {
    table: &'t Table,
    absent: AbsentFiles,
    records: Vec<Record>,
    left_out: Vec<LeftOut>,
    without_file: Vec<LeftOut>,
    ids: HashSet<String>,
    files: HashSet<PathBuf>,
}

impl<'t> Gathering<'t> {
    pub fn new(table: &'t Table, absent: AbsentFiles, left_out: Vec<LeftOut>) -> Self {
        Gathering {
            table,
            absent,
            records: Vec::new(),
            left_out,
            without_file: Vec::new(),
            ids: HashSet::new(),
            files: HashSet::new(),
        }
    }

    /// Takes a record whose file is expected at `record.file`, or says why not.
    ///
    /// `unknown` holds why the age or the sex is not known.
    pub fn add(&mut self, line: u64, record: Record, unknown: impl IntoIterator<Item = Reason>) {
        let reason = if self.ids.contains(&record.id) {
            Some(Reason::IdTwice(record.id.clone()))
        } else if self.files.contains(&record.file) {
            Some(Reason::FileTwice)
        } else {
            None
        };
        if let Some(reason) = reason {
            return self.leave_out(line, record.file, reason);
        }
        if self.absent == AbsentFiles::LeaveOut && !record.file.is_file() {
            return self.without_file.push(self.table.left_out(line, record.file, Reason::RowWithoutFile));
        }
        for reason in unknown {
            self.leave_out(line, record.file.clone(), reason);
        }
        self.ids.insert(record.id.clone());
        self.files.insert(record.file.clone());
        self.records.push(record);
    }

    pub fn leave_out(&mut self, line: u64, file: PathBuf, reason: Reason) {
        self.left_out.push(self.table.left_out(line, file, reason));
    }

    /// The records, and what was left out in the order of the table.
    pub fn finish(mut self) -> (Vec<Record>, Vec<LeftOut>) {
        let without_file = self.without_file.len();
        if without_file > LISTED_ROWS_WITHOUT_FILE {
            self.without_file.truncate(1);
            self.without_file.iter_mut().for_each(|entry| entry.records = without_file);
        }
        self.left_out.append(&mut self.without_file);
        self.left_out.sort_by_key(|entry| entry.row.as_ref().map(|row| row.line));
        (self.records, self.left_out)
    }
}

/// Parts a value and why it is not known.
pub(super) fn known<T>(value: Result<T, Reason>, unknown: &mut Vec<Reason>) -> Option<T> {
    value.map_err(|reason| unknown.push(reason)).ok()
}
