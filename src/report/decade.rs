//! Decades of age: 0-9, 10-19, ... 80-89, and 90 and over.

/// Number of decades; the last has no upper end.
pub const COUNT: usize = 10;

/// The decade of an age in years.
pub fn of(age: f64) -> usize {
    ((age / 10.0).max(0.0) as usize).min(COUNT - 1)
}

/// How a decade is called: `40-49` or `90+`.
pub fn label(decade: usize) -> String {
    match decade * 10 {
        from if decade + 1 < COUNT => format!("{from}-{}", from + 9),
        from => format!("{from}+"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn edges_belong_to_the_older_decade() {
        let names = [0.0, 9.99, 10.0, 89.5, 90.0, 104.0].map(|age| super::label(super::of(age)));
        assert_eq!(names, ["0-9", "0-9", "10-19", "80-89", "90+", "90+"]);
    }
}
