//! One table, three ways to write it: HTML, Markdown, and aligned text for the terminal.

use maud::{Markup, html};

use super::markdown::escaped;

/// Rows under named columns; the first column names the row, the others hold figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Cells, as many a row as there are columns.
    pub rows: Vec<Vec<String>>,
    /// The last rows that are references rather than results, such as the trivial predictor.
    pub reference_rows: usize,
}

impl Table {
    /// An HTML table that scrolls sideways where the screen is too narrow.
    pub fn to_html(&self) -> Markup {
        let first_reference = self.rows.len().saturating_sub(self.reference_rows);
        html! {
            div.table {
                p.caption { (self.caption) }
                div.scroll role="region" aria-label=(self.caption) tabindex="0" {
                    table aria-label=(self.caption) {
                        thead { tr { @for column in &self.columns { th scope="col" { (column) } } } }
                        tbody {
                            @for (number, row) in self.rows.iter().enumerate() {
                                tr.reference[number >= first_reference] {
                                    @for (column, cell) in row.iter().enumerate() {
                                        @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// A Markdown table below its caption.
    pub fn to_markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let heads = line(&mut self.columns.iter().map(|column| escaped(column)));
        let alignment = (0..self.columns.len()).map(|column| if column == 0 { ":---" } else { "---:" }.to_owned());
        let rows: String = self.rows.iter().map(|row| line(&mut row.iter().map(|cell| escaped(cell)))).collect();
        format!("**{}**\n\n{heads}{}{rows}", escaped(&self.caption), line(&mut alignment.into_iter()))
    }

    /// Aligned columns: names to the left, figures to the right.
    pub fn to_text(&self) -> String {
        let heads: Vec<String> = self.columns.iter().map(|column| (*column).to_owned()).collect();
        let lines = || std::iter::once(&heads).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for (number, row) in lines().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
            if number == 0 {
                let rules = widths.iter().map(|&width| "\u{2500}".repeat(width));
                text.push_str(&rules.collect::<Vec<_>>().join("  "));
                text.push('\n');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            caption: "Networks".into(),
            columns: vec!["network", "MAE"],
            rows: vec![vec!["a|<b>".into(), "7.5".into()], vec!["longer name".into(), "12.25".into()]],
            reference_rows: 1,
        }
    }

    #[test]
    fn html_is_escaped_and_marks_references() {
        let html = table().to_html().into_string();
        assert!(html.contains("<th scope=\"row\">a|&lt;b&gt;</th><td>7.5</td>"), "{html}");
        assert_eq!(html.matches("class=\"reference\"").count(), 1);
    }

    #[test]
    fn markdown_is_escaped() {
        let expected =
            "**Networks**\n\n| network | MAE |\n| :--- | ---: |\n| a\\|\\<b\\> | 7.5 |\n| longer name | 12.25 |\n";
        assert_eq!(table().to_markdown(), expected);
    }

    #[test]
    fn text_is_aligned() {
        let expected = "network        MAE\n───────────  ─────\na|<b>          7.5\nlonger name  12.25\n";
        assert_eq!(table().to_text(), expected);
    }
}
