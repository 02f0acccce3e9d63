//! A table of Markdown, drawn with columns of equal width.

use unicode_width::UnicodeWidthStr as _;

use super::inline;
use super::markdown::paint;
use crate::terminal::visible;

/// Draws the rows. A table that is wider than the screen becomes a list of its cells.
pub(super) fn render(rows: &[String], width: usize) -> String {
    let mut cells: Vec<Vec<String>> = Vec::new();
    let mut has_head = false;
    for (nth, row) in rows.iter().enumerate() {
        let row = split(row);
        let is_line = row
            .iter()
            .all(|cell| cell.contains('-') && cell.chars().all(|c| matches!(c, '-' | ':' | ' ')));
        if nth == 1 && is_line {
            has_head = true;
        } else {
            cells.push(row.iter().map(|cell| words(cell)).collect());
        }
    }
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|n| cells.iter().filter_map(|row| row.get(n)).map(|c| c.width()).max().unwrap_or(0))
        .collect();
    let whole: usize = widths.iter().sum::<usize>() + 3 * columns.saturating_sub(1);
    let mut out = String::new();
    if whole > width {
        list(&mut out, &cells, has_head, width);
        return out;
    }
    for (nth, row) in cells.iter().enumerate() {
        let line: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(n, width)| {
                let cell = row.get(n).map_or("", String::as_str);
                // Nothing stands behind the last one.
                let gap = if n + 1 < columns { width - cell.width() } else { 0 };
                format!("{cell}{}", " ".repeat(gap))
            })
            .collect();
        let head = has_head && nth == 0;
        let bar = paint("2", " │ ");
        let painted: Vec<String> =
            line.iter().map(|cell| paint(if head { "1" } else { "" }, cell)).collect();
        out.push_str(painted.join(&bar).trim_end());
        out.push('\n');
        if head {
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            out.push_str(&paint("2", &rule.join("─┼─")));
            out.push('\n');
        }
    }
    out
}

fn list(out: &mut String, cells: &[Vec<String>], has_head: bool, width: usize) {
    let head = if has_head { cells.first() } else { None };
    for row in cells.iter().skip(usize::from(has_head)) {
        for (n, cell) in row.iter().enumerate() {
            let name = head.and_then(|head| head.get(n)).filter(|name| !name.is_empty());
            let text = name.map_or_else(|| cell.clone(), |name| format!("{name}: {cell}"));
            let first = if n == 0 { "• " } else { "  " };
            crate::terminal::wrap(out, &text, first, "  ", width);
        }
    }
}

/// The cells of a row; a bar after a backslash or inside code is a sign.
fn split(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|');
    let row = row.strip_suffix('|').filter(|row| !row.ends_with('\\')).unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    let mut code = false;
    for c in row.chars() {
        let cell = cells.last_mut();
        match c {
            '|' if escaped => {
                if let Some(cell) = cell {
                    cell.pop();
                    cell.push('|');
                }
            }
            '|' if !code => cells.push(String::new()),
            c => {
                code ^= c == '`';
                if let Some(cell) = cell {
                    cell.push(c);
                }
            }
        }
        escaped = c == '\\';
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The words of a cell without their marks.
fn words(cell: &str) -> String {
    let mut out = String::new();
    for span in inline::read(cell, true).0 {
        visible(&mut out, &span.text);
    }
    out
}
