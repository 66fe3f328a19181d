//! Settings that are one word of a closed set. What the words do is the business of their enums.

/// A closed set of words.
pub(super) trait Choice: Copy + PartialEq + 'static {
    /// The words and what they mean.
    const NAMES: &'static [(&'static str, Self)];

    /// What `word` means, in any case.
    fn from_name(word: &str) -> Option<Self> {
        let found = Self::NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
        found.map(|(_, choice)| *choice)
    }

    /// The words, as "a, b or c".
    fn names() -> String {
        let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            Some((only, _)) => (*only).to_owned(),
            None => String::new(),
        }
    }
}
