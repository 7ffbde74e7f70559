//! Columns, as kubectl shows them.

/// Returns a table with a line of heads, and an empty line after it. A table without rows shows `(none)`.
pub(crate) fn text_table<H: AsRef<str>, R: AsRef<[String]>>(heads: &[H], rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    let mut widths: Vec<usize> = heads.iter().map(|head| head.as_ref().chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&mut heads.iter().map(AsRef::as_ref));
    for row in &rows {
        text += &line(&mut row.as_ref().iter().map(String::as_str));
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
        assert_eq!(super::text_table(&["NAME", "N"], rows), "NAME       N\na          1\nlong name  2\n\n");
        assert_eq!(super::text_table(&["NAME"], Vec::<[String; 1]>::new()), "NAME\n(none)\n\n");
    }
}
