//! Lists of names in messages and statuses, which have an end however many names there are.

use std::collections::BTreeSet;

/// Returns the first names in their order, and behind them how many more there are.
#[must_use]
pub fn first_names(names: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let names: BTreeSet<String> = names.into_iter().collect();
    let more = names.len().saturating_sub(most);
    names.into_iter().take(most).chain((more > 0).then(|| format!("{more} more"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once_and_the_rest_is_a_number() {
        let list = |most| first_names(["c", "a", "b", "a"].map(str::to_owned), most);
        assert_eq!(list(3), ["a", "b", "c"]);
        assert_eq!(list(2), ["a", "b", "1 more"]);
        assert!(first_names([], 2).is_empty());
    }
}
