//! Columns, as kubectl shows them.

/// Returns a table with a line of heads, and an empty line after it. A table without rows shows `(none)`.
pub(crate) fn text_table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = heads.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&mut heads.into_iter());
    for row in &rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    if rows.is_empty() {
        text += "(none)\n";
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "1".to_owned()], ["long name".to_owned(), "2".to_owned()]];
        assert_eq!(super::text_table(["NAME", "N"], rows.into_iter()), "NAME       N\na          1\nlong name  2\n\n");
        assert_eq!(super::text_table(["NAME"], std::iter::empty()), "NAME\n(none)\n\n");
    }
}
