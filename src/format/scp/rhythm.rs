//! Sections 3 to 6: which leads there are, and from what their samples are put together.

use super::super::FormatError;
use super::super::binary::Fields;
use super::super::error::Place;
use super::huffman::Tables;

/// The samples of one lead: the number of the first and of the last, counted from 1, and the code of the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadRange {
    pub start: u32,
    pub end: u32,
    pub code: u8,
}

impl LeadRange {
    fn read(fields: &mut Fields<'_>) -> Option<LeadRange> {
        Some(LeadRange { start: fields.u32()?, end: fields.u32()?, code: fields.u8()? })
    }

    /// The number of samples; 0 where the range ends before it starts.
    pub fn samples(self) -> u64 {
        (u64::from(self.end) + 1).saturating_sub(u64::from(self.start))
    }
}

/// Section 3.
pub struct Definition {
    pub leads: Vec<LeadRange>,
    /// The number of leads that the section announces.
    pub announced: usize,
    /// The reference beat was subtracted from the rhythm.
    pub subtracted: bool,
    /// All leads were recorded at the same time.
    pub simultaneous: bool,
}

impl Definition {
    pub fn read(section: &[u8]) -> Option<Definition> {
        let mut fields = Fields(section);
        let (announced, flags) = (usize::from(fields.u8()?), fields.u8()?);
        let leads: Vec<LeadRange> = std::iter::from_fn(|| LeadRange::read(&mut fields)).take(announced).collect();
        let simultaneous = flags & 0b100 != 0 || usize::from(flags >> 3) >= announced;
        Some(Definition { leads, announced, subtracted: flags & 1 != 0, simultaneous })
    }
}

/// Section 5 (the reference beat) or 6 (the rhythm): the numbers of each lead, still encoded.
pub struct Waveforms<'a> {
    /// One step in nanovolt.
    pub multiplier: u16,
    /// The time between two samples in microseconds.
    pub interval: u16,
    differences: u8,
    /// In section 6: outside of the protected areas only every fourth sample or so is stored.
    pub bimodal: bool,
    leads: Vec<&'a [u8]>,
    section: &'static str,
}

impl<'a> Waveforms<'a> {
    pub fn read(
        bytes: &'a [u8],
        leads: usize,
        section: &'static str,
        place: Place<'_>,
    ) -> Result<Waveforms<'a>, FormatError> {
        let mut fields = Fields(bytes);
        let header = (fields.u16(), fields.u16(), fields.u8(), fields.u8(), fields.take(2 * leads));
        let (Some(multiplier), Some(interval), Some(differences), Some(bimodal), Some(lengths)) = header else {
            return Err(place.damaged(section, format!("it is too short for {leads} leads")));
        };
        if differences > 2 {
            return Err(place.damaged(section, format!("there is no encoding number {differences}")));
        }
        let mut lengths = Fields(lengths);
        let mut waveforms =
            Waveforms { multiplier, interval, differences, bimodal: bimodal == 1, leads: Vec::new(), section };
        while let Some(length) = lengths.u16() {
            let (length, available) = (usize::from(length), fields.0.len());
            let Some(lead) = fields.take(length) else {
                let what = format!("signal {} of {section}", waveforms.leads.len() + 1);
                return Err(place.truncated(what, length as u64, available as u64));
            };
            waveforms.leads.push(lead);
        }
        Ok(waveforms)
    }

    /// At most `count` numbers of a lead; fewer where fewer are stored.
    pub fn up_to(
        &self,
        lead: usize,
        count: u64,
        tables: Option<&Tables>,
        place: Place<'_>,
    ) -> Result<Vec<i64>, FormatError> {
        let bytes = self.leads.get(lead).copied().unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut numbers: Vec<i64> = match tables {
            Some(tables) => tables
                .decode(bytes, count)
                .map_err(|reason| place.damaged(self.section, format!("signal {}: {reason}", lead + 1)))?,
            None => {
                let mut fields = Fields(bytes);
                std::iter::from_fn(|| fields.i16()).take(count).map(i64::from).collect()
            }
        };
        // A lead has at most 2^19 numbers of at most 32 bits: no sum of sums overflows 64 bits.
        sum_up(&mut numbers, self.differences);
        Ok(numbers)
    }

    /// Exactly `count` numbers of a lead.
    pub fn exactly(
        &self,
        lead: usize,
        count: u64,
        tables: Option<&Tables>,
        place: Place<'_>,
    ) -> Result<Vec<i64>, FormatError> {
        let numbers = self.up_to(lead, count, tables, place)?;
        if (numbers.len() as u64) < count {
            let found = numbers.len();
            let reason = format!("signal {} has {found} of the {count} samples that it should have", lead + 1);
            return Err(place.damaged(self.section, reason));
        }
        Ok(numbers)
    }
}

/// Undoes first or second differences; as many numbers at the beginning are stored as they are.
fn sum_up(numbers: &mut [i64], differences: u8) {
    let (mut before, mut last) = (0, 0);
    for (position, number) in numbers.iter_mut().enumerate() {
        *number = match differences {
            1 => number.wrapping_add(last),
            2 if position >= 2 => number.wrapping_add(last).wrapping_add(last).wrapping_sub(before),
            _ => *number,
        };
        (before, last) = (last, *number);
    }
}

/// A beat of which the reference beat was subtracted: sample numbers, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    start: i64,
    fiducial: i64,
    end: i64,
}

/// Section 4: where the beats are.
#[derive(Debug, Default)]
pub struct Beats {
    /// The length of the reference beat in milliseconds.
    milliseconds: u16,
    /// Which sample of the reference beat lies at the fiducial point of a beat, counted from 1.
    fiducial: i64,
    subtracted: Vec<Beat>,
    /// First and last sample of the areas that are stored completely, in their order and apart from each other.
    protected: Vec<(i64, i64)>,
}

impl Beats {
    pub fn read(section: &[u8]) -> Option<Beats> {
        let mut fields = Fields(section);
        let (milliseconds, fiducial, count) = (fields.u16()?, i64::from(fields.u16()?), usize::from(fields.u16()?));
        let mut lines = Fields(fields.take(count * 14)?);
        let mut subtracted = Vec::new();
        while let Some(kind) = lines.u16() {
            let mut sample = || lines.u32().map(i64::from);
            let beat = Beat { start: sample()?, fiducial: sample()?, end: sample()? };
            // Only of beats of type 0 there is a reference beat.
            if kind == 0 {
                subtracted.push(beat);
            }
        }
        let mut sample = || fields.u32().map(i64::from);
        let areas = std::iter::from_fn(|| Some((sample()?, sample()?)));
        let mut areas: Vec<(i64, i64)> = areas.take(count).filter(|(first, last)| first <= last && *last > 0).collect();
        areas.sort_unstable();
        let mut protected: Vec<(i64, i64)> = Vec::new();
        for (first, last) in areas {
            match protected.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => protected.push((first, last)),
            }
        }
        Some(Beats { milliseconds, fiducial, subtracted, protected })
    }

    /// The number of samples of the reference beat.
    pub fn reference_samples(&self, interval: u16) -> u64 {
        (u64::from(self.milliseconds) * 1000).checked_div(u64::from(interval)).unwrap_or(0)
    }

    /// Adds the reference beat, of which one step is `scale` steps of the rhythm, wherever it was subtracted. `None`
    /// where the beats lie upon each other so often that they cannot be meant.
    pub fn add(&self, rhythm: &mut [f64], range: LeadRange, reference: &[i64], scale: f64) -> Option<()> {
        let mut effort = 4 * rhythm.len() + reference.len();
        for beat in &self.subtracted {
            let from = (beat.start - i64::from(range.start)).max(0);
            let to = (beat.end - i64::from(range.start) + 1).min(rhythm.len() as i64);
            let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to)) else { continue };
            // The sample of the reference beat that belongs to the first sample of the rhythm, if there were one.
            let shift = self.fiducial - 1 - beat.fiducial + i64::from(range.start);
            let from = from.max(usize::try_from(-shift).unwrap_or(0));
            let Some(samples) = rhythm.get_mut(from..to) else { continue };
            let Ok(first) = usize::try_from(from as i64 + shift) else { continue };
            let reference = reference.get(first..).unwrap_or_default();
            effort = effort.checked_sub(samples.len().min(reference.len()))?;
            for (sample, number) in samples.iter_mut().zip(reference) {
                *sample += *number as f64 * scale;
            }
        }
        Some(())
    }

    /// The stretches of a lead one after the other: whether it is protected, and its number of samples.
    fn stretches(&self, range: LeadRange) -> Vec<(bool, u64)> {
        let (mut next, end) = (i64::from(range.start), i64::from(range.end));
        let mut stretches = Vec::new();
        for &(first, last) in &self.protected {
            let (first, last) = (first.max(next), last.min(end));
            if first > last {
                continue;
            }
            stretches.extend([(false, (first - next) as u64), (true, (last - first + 1) as u64)]);
            next = last + 1;
        }
        stretches.push((false, (end + 1 - next).max(0) as u64));
        stretches
    }

    /// How many numbers are stored for a lead where `factor` samples outside of the protected areas are one number.
    pub fn stored(&self, range: LeadRange, factor: u64) -> u64 {
        let numbers = |(protected, samples): (bool, u64)| match protected {
            true => samples,
            // What is left over of a stretch is stored as it is.
            false => samples / factor.max(1) + samples % factor.max(1),
        };
        self.stretches(range).into_iter().map(numbers).sum()
    }

    /// All samples of a lead from the stored numbers: interpolated outside of the protected areas, then smoothed.
    pub fn expand(&self, numbers: &[i64], range: LeadRange, factor: u64, subtracted: bool) -> Vec<f64> {
        let factor = factor.max(1);
        let mut samples: Vec<f64> = Vec::with_capacity(numbers.len().saturating_mul(factor as usize));
        let mut numbers = numbers.iter().map(|&number| number as f64);
        let mut unprotected = Vec::new();
        for (protected, count) in self.stretches(range) {
            let start = samples.len();
            if protected {
                samples.extend(numbers.by_ref().take(count as usize));
                continue;
            }
            let means: Vec<f64> = numbers.by_ref().take((count / factor) as usize).collect();
            interpolate(&means, factor as usize, &mut samples);
            samples.extend(numbers.by_ref().take((count % factor) as usize));
            unprotected.push((start, samples.len()));
        }
        let cuts = if subtracted { self.cuts(range) } else { Vec::new() };
        smooth(&mut samples, &unprotected, &cuts);
        samples
    }

    /// The positions in a lead at which the reference beat begins and where it has ended, in their order.
    fn cuts(&self, range: LeadRange) -> Vec<usize> {
        let edges = self.subtracted.iter().flat_map(|beat| [beat.start, beat.end + 1]);
        let mut cuts: Vec<usize> =
            edges.filter_map(|edge| usize::try_from(edge - i64::from(range.start)).ok()).collect();
        cuts.sort_unstable();
        cuts
    }
}

/// Straight lines between the means of `factor` samples each; half of the first and of the last mean stays level.
fn interpolate(means: &[f64], factor: usize, samples: &mut Vec<f64>) {
    let (Some(&first), Some(&last)) = (means.first(), means.last()) else { return };
    let before = factor / 2;
    samples.extend(std::iter::repeat_n(first, before));
    for pair in means.windows(2) {
        if let [from, to] = pair {
            samples.extend((0..factor).map(|step| from + (to - from) * step as f64 / factor as f64));
        }
    }
    samples.extend(std::iter::repeat_n(last, factor - before));
}

/// Takes the mean of each sample with its two neighbours in the unprotected stretches. Their outermost neighbours may be
/// protected; across a cut, where the signal jumps, no mean is taken.
fn smooth(samples: &mut [f64], unprotected: &[(usize, usize)], cuts: &[usize]) {
    for &(start, end) in unprotected {
        let (start, end) = (start.saturating_sub(1), (end + 1).min(samples.len()));
        let first_cut = cuts.partition_point(|&cut| cut <= start);
        let inside = cuts.get(first_cut..).unwrap_or_default().iter().copied().take_while(|&cut| cut < end);
        let mut from = start;
        for to in inside.chain([end]) {
            let Some(segment) = samples.get_mut(from..to) else { continue };
            from = to;
            let Some(mut before) = segment.first().copied() else { continue };
            for position in 1..segment.len().saturating_sub(1) {
                if let [_, here, after, ..] = segment.get_mut(position - 1..).unwrap_or_default() {
                    (before, *here) = (*here, (before + *here + *after) / 3.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: LeadRange = LeadRange { start: 1, end: 20, code: 1 };

    fn beats(protected: &[(i64, i64)], subtracted: &[Beat]) -> Beats {
        Beats { milliseconds: 12, fiducial: 3, subtracted: subtracted.to_vec(), protected: protected.to_vec() }
    }

    #[test]
    fn differences_are_summed_up() {
        let mut numbers = [10, 1, -2, 3];
        sum_up(&mut numbers, 1);
        assert_eq!(numbers, [10, 11, 9, 12]);
        let mut numbers = [10, 12, 1, 0, -5];
        sum_up(&mut numbers, 2);
        assert_eq!(numbers, [10, 12, 15, 18, 16]);
        let mut numbers = [10, 12];
        sum_up(&mut numbers, 0);
        assert_eq!(numbers, [10, 12]);
    }

    #[test]
    fn stretches_follow_the_protected_areas() {
        let stretches = |protected: &[(i64, i64)]| beats(protected, &[]).stretches(RANGE);
        assert_eq!(stretches(&[]), [(false, 20)]);
        assert_eq!(stretches(&[(5, 8)]), [(false, 4), (true, 4), (false, 12)]);
        assert_eq!(stretches(&[(-9, 2), (20, 99)]), [(false, 0), (true, 2), (false, 17), (true, 1), (false, 0)]);
        assert_eq!(stretches(&[(30, 40)]), [(false, 20)]);
        assert_eq!(beats(&[(6, 8)], &[]).stored(RANGE, 4), 1 + 1 + 3 + 3);
    }

    #[test]
    fn samples_between_the_means_are_interpolated_and_smoothed() {
        let mut samples = Vec::new();
        interpolate(&[4.0, 8.0], 4, &mut samples);
        assert_eq!(samples, [4.0, 4.0, 4.0, 5.0, 6.0, 7.0, 8.0, 8.0]);
        let mut samples = [3.0, 0.0, 0.0, 9.0, 9.0, 9.0];
        smooth(&mut samples, &[(1, 5)], &[]);
        assert_eq!(samples, [3.0, 1.0, 3.0, 6.0, 9.0, 9.0]);
        let mut samples = [3.0, 0.0, 0.0, 9.0, 9.0, 9.0];
        smooth(&mut samples, &[(1, 5)], &[3]);
        assert_eq!(samples, [3.0, 1.0, 0.0, 9.0, 9.0, 9.0]);
        let whole = beats(&[(5, 8)], &[]).expand(&[7, 1, 2, 3, 4, 5, 5, 5], RANGE, 4, false);
        assert_eq!(whole[..4], [7.0, 7.0, 7.0, 5.0]);
        assert_eq!(whole[4..8], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((whole[8], whole[9], whole.len()), (14.0 / 3.0, 5.0, 20));
    }

    #[test]
    fn the_reference_beat_is_added_at_the_fiducial_points() {
        let added = |beat: Beat, start: u32| {
            let mut rhythm = [0.0; 8];
            let range = LeadRange { start, end: start + 7, code: 1 };
            beats(&[], &[beat]).add(&mut rhythm, range, &[1, 2, 3, 4, 5, 6], 2.0).unwrap();
            rhythm
        };
        let beat = Beat { start: 3, fiducial: 4, end: 6 };
        assert_eq!(added(beat, 1), [0.0, 0.0, 4.0, 6.0, 8.0, 10.0, 0.0, 0.0]);
        assert_eq!(added(beat, 4), [6.0, 8.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        // Wider than the reference beat.
        assert_eq!(added(Beat { start: 0, fiducial: 4, end: 9 }, 1), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 0.0]);
        for beyond in [Beat { start: 30, fiducial: 31, end: 40 }, Beat { start: 6, fiducial: 4, end: 3 }] {
            assert_eq!(added(beyond, 1), [0.0; 8]);
        }
        let endless = vec![beat; 1000];
        assert_eq!(beats(&[], &endless).add(&mut [0.0; 8], RANGE, &[1; 6], 1.0), None);
    }
}
