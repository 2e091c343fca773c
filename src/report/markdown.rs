//! The report as Markdown, with the plots as files beside it.

use super::content::{Block, Content, PLOT_FOLDER};

/// Writes the report.
pub fn page(content: &Content) -> String {
    let blocks = content.blocks.iter().map(block).collect::<Vec<_>>().join("\n");
    format!("# {}\n\n{}\n\n{blocks}", escaped(&content.title), escaped(&content.subtitle))
}

fn block(block: &Block) -> String {
    match block {
        Block::Section(title) => format!("## {}\n", escaped(title)),
        Block::Subsection(title) => format!("### {}\n", escaped(title)),
        Block::Paragraph(text) => format!("{}\n", escaped(text)),
        Block::Warning(text) => format!("> **Warning:** {}\n", escaped(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", escaped(item))).collect(),
        Block::KeyFigures(figures) => figures
            .iter()
            .map(|figure| {
                let [name, value, remark] = [&figure.name, &figure.value, &figure.remark].map(|text| escaped(text));
                format!("- **{name}: {value}** ({remark})\n")
            })
            .collect(),
        Block::Table(table) => table.to_markdown(),
        Block::Plots(plots) => plots
            .iter()
            .map(|plot| {
                format!("![{}]({PLOT_FOLDER}/{})\n\n{}\n", escaped(&plot.name), plot.file, escaped(&plot.caption))
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// Text in which nothing is Markdown or HTML, on one line.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#' | '&' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
