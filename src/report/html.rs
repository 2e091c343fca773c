//! The report as one self-contained page: plots and stylesheet are part of it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::content::{Block, Content, slug};

const STYLESHEET: &str = include_str!("report.css");

/// Writes the page.
pub fn page(content: &Content) -> String {
    let sections = content.blocks.iter().filter_map(|block| match block {
        Block::Section(title) => Some(title),
        _ => None,
    });
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (content.title) }
                style { (PreEscaped(STYLESHEET)) }
            }
            body {
                header {
                    h1 { (content.title) }
                    p.subtitle { (content.subtitle) }
                    nav aria-label="Sections" {
                        @for title in sections { a href={ "#" (slug(title)) } { (title) } }
                    }
                }
                main { @for part in &content.blocks { (block(part)) } }
            }
        }
    };
    markup.into_string()
}

fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Section(title) => h2 id=(slug(title)) { (title) },
            Block::Subsection(title) => h3 { (title) },
            Block::Paragraph(text) => p { (text) },
            Block::Warning(text) => p.warning { strong { "Warning: " } (text) },
            Block::List(items) => ul { @for item in items { li { (item) } } },
            Block::KeyFigures(figures) => dl.key-figures {
                @for figure in figures {
                    div { dt { (figure.name) } dd { strong { (figure.value) } span { (figure.remark) } } }
                }
            },
            Block::Table(table) => (table.to_html()),
            Block::Plots(plots) => div.plots {
                @for plot in plots {
                    figure { (PreEscaped(&plot.svg)) figcaption { (plot.caption) } }
                }
            },
        }
    }
}
