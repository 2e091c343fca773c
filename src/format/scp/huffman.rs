//! Section 2: the codes of the numbers in sections 5 and 6.

use super::super::FormatError;
use super::super::binary::Fields;
use super::super::error::Place;

/// As the number of tables: the table of the standard is used and not stored.
const DEFAULT_TABLE: u16 = 19999;

/// One line of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Code {
    /// The length of the prefix in bits, and the prefix itself, its first bit lowest.
    prefix: (u8, u32),
    meaning: Meaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The prefix stands for this number.
    Number(i16),
    /// So many bits after the prefix are the number itself, in two's complement, its first bit highest.
    Bits(u8),
    /// From here on the table with this number is used, the first one having the number 1.
    Table(usize),
}

/// The tables, each one sorted by prefix. A lead begins with the first.
pub struct Tables(Vec<Vec<Code>>);

impl Tables {
    pub fn read(section: &[u8], place: Place<'_>) -> Result<Tables, FormatError> {
        let cut_off = || place.damaged("section 2", "its Huffman tables are longer than the section");
        let mut fields = Fields(section);
        let count = fields.u16().ok_or_else(cut_off)?;
        if count == DEFAULT_TABLE {
            return Ok(Tables(vec![default_table()]));
        }
        // A table has at least the number of its codes.
        let mut tables = Vec::with_capacity(usize::from(count).min(section.len() / 2));
        for table in 1..=count {
            let codes = fields.u16().ok_or_else(cut_off)?;
            let mut lines = Fields(fields.take(usize::from(codes) * 9).ok_or_else(cut_off)?);
            let mut codes = Vec::with_capacity(usize::from(codes));
            while !lines.0.is_empty() {
                let code = Code::read(&mut lines, usize::from(count)).ok_or_else(|| {
                    let line = codes.len() + 1;
                    place.damaged("section 2", format!("code {line} of Huffman table {table} has no meaning"))
                })?;
                codes.push(code);
            }
            codes.sort_by_key(|code| code.prefix);
            tables.push(codes);
        }
        match tables.is_empty() {
            true => Err(place.damaged("section 2", "it has no Huffman table")),
            false => Ok(Tables(tables)),
        }
    }

    /// At most `count` numbers from the bits of a lead; fewer, where it has fewer. The error is a reason.
    pub fn decode(&self, bytes: &[u8], count: usize) -> Result<Vec<i64>, String> {
        let mut numbers = Vec::with_capacity(count.min(bytes.len().saturating_mul(8)));
        let mut table = self.0.first().map(Vec::as_slice).unwrap_or_default();
        let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
        while numbers.len() < count {
            let Some(meaning) = next(table, &mut bits)? else { break };
            match meaning {
                Meaning::Number(number) => numbers.push(i64::from(number)),
                Meaning::Bits(length) => {
                    let mut number = 0i64;
                    let mut missing = length;
                    for bit in bits.by_ref().take(usize::from(length)) {
                        // The sign bit is the first.
                        number = if missing == length { -i64::from(bit) } else { number << 1 | i64::from(bit) };
                        missing -= 1;
                    }
                    if missing > 0 {
                        break;
                    }
                    numbers.push(number);
                }
                Meaning::Table(number) => {
                    table = number.checked_sub(1).and_then(|index| self.0.get(index)).map_or(table, Vec::as_slice);
                }
            }
        }
        Ok(numbers)
    }
}

/// What the next bits mean; nothing, where they end before a code does.
fn next(table: &[Code], bits: &mut impl Iterator<Item = u32>) -> Result<Option<Meaning>, String> {
    let mut prefix = 0u32;
    for (position, bit) in bits.by_ref().take(32).enumerate() {
        prefix |= bit << position;
        let wanted = (position as u8 + 1, prefix);
        if let Ok(found) = table.binary_search_by_key(&wanted, |code| code.prefix) {
            return Ok(table.get(found).map(|code| code.meaning));
        }
        if position == 31 {
            return Err("it has bits that are in no Huffman table".to_owned());
        }
    }
    Ok(None)
}

impl Code {
    /// Reads a code; `None` where it cannot be one.
    fn read(fields: &mut Fields<'_>, tables: usize) -> Option<Code> {
        let (prefix_length, length, keeps_table) = (fields.u8()?, fields.u8()?, fields.u8()?);
        let (number, prefix) = (fields.i16()?, fields.u32()?);
        let own_bits = length.checked_sub(prefix_length)?;
        let meaning = match (keeps_table, own_bits) {
            (0, _) => Meaning::Table(usize::try_from(number).ok().filter(|table| (1..=tables).contains(table))?),
            (1, 0) => Meaning::Number(number),
            // What a number beside such bits would mean, the standard does not say.
            (1, 1..=32) if number == 0 => Meaning::Bits(own_bits),
            _ => return None,
        };
        let beyond = prefix.checked_shr(u32::from(prefix_length)).unwrap_or(0);
        ((1..=32).contains(&prefix_length) && beyond == 0).then_some(Code { prefix: (prefix_length, prefix), meaning })
    }
}

/// The table of Annex C: 0 is one zero bit; n and -n up to 8 are n ones, a zero and the sign; after nine ones and a zero
/// a number follows in 8 bits, after ten ones in 16 bits.
fn default_table() -> Vec<Code> {
    let ones = |count: u32| (1u32 << count) - 1;
    let mut table = vec![
        Code { prefix: (1, 0), meaning: Meaning::Number(0) },
        Code { prefix: (10, ones(9)), meaning: Meaning::Bits(8) },
        Code { prefix: (10, ones(10)), meaning: Meaning::Bits(16) },
    ];
    for size in 1..=8u8 {
        for (number, sign) in [(i16::from(size), 0), (-i16::from(size), 1)] {
            let prefix = ones(u32::from(size)) | sign << (size + 1);
            table.push(Code { prefix: (size + 2, prefix), meaning: Meaning::Number(number) });
        }
    }
    table.sort_by_key(|code| code.prefix);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { file: "x.scp", format: "SCP-ECG" };

    fn bytes(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(place, bit)| bit << (7 - place)).sum()).collect()
    }

    #[test]
    fn the_default_table_is_that_of_the_standard() {
        let tables = Tables::read(&DEFAULT_TABLE.to_le_bytes(), PLACE).unwrap();
        let encoded =
            bytes("0 100 101 1100 11101 1111111100 1111111101 1111111110 10000000 1111111111 0111111111111111");
        assert_eq!(tables.decode(&encoded, 10).unwrap(), [0, 1, -1, 2, -3, 8, -8, -128, 32767]);
        assert_eq!(tables.decode(&encoded, 3).unwrap(), [0, 1, -1]);
        // Cut off within a number.
        assert_eq!(tables.decode(&encoded[..6], 10).unwrap(), [0, 1, -1, 2, -3, 8, -8]);
    }

    #[test]
    fn tables_of_the_file_and_switches_between_them() {
        let line = |prefix: u8, length: u8, keeps: u8, number: i16, code: u32| {
            [&[prefix, length, keeps][..], &number.to_le_bytes(), &code.to_le_bytes()].concat()
        };
        let section = [
            &[2, 0, 3, 0][..],
            &line(1, 1, 1, 70, 0),
            &line(2, 2, 0, 2, 0b01),
            &line(2, 6, 1, 0, 0b11),
            &[2, 0],
            &line(1, 1, 1, -5, 1),
            &line(1, 1, 0, 1, 0),
        ]
        .concat();
        let tables = Tables::read(&section, PLACE).unwrap();
        assert_eq!(tables.decode(&bytes("0 11 1001 10 1 1 0 0"), 5).unwrap(), [70, -7, -5, -5, 70]);
        for (place, byte) in [(4, 0), (4, 33), (5, 0), (6, 2), (9, 2), (16, 3), (2, 200)] {
            let mut wrong = section.clone();
            wrong[place] = byte;
            assert_eq!(Tables::read(&wrong, PLACE).err().map(|error| error.code()), Some("damaged"), "{place}");
        }
        assert!(Tables::read(&[0, 0], PLACE).is_err());
        let sparse = Tables::read(&[&[1, 0, 1, 0][..], &line(3, 3, 1, 1, 0)].concat(), PLACE).unwrap();
        assert_eq!(sparse.decode(&[0xff; 4], 1).unwrap_err(), "it has bits that are in no Huffman table");
    }
}
