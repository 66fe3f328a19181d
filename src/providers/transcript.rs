//! The text of an answer as far as it has come: what its tokens are estimated to be, and how many
//! they are at the least. It knows text only, no format and no price.

use smallvec::SmallVec;

use crate::providers::tokens::{self, Encoding, to_u64};

/// The most text of one choice that is kept to be counted.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// How much more text there is before it is counted again.
const RECOUNT_BYTES: u64 = 64;
/// A text of an unknown tokeniser has at least one token for so many bytes, repetitions left out: no
/// answer has as many in each token on the average.
const BYTES_PER_TOKEN_MAX: u64 = 16;

/// The text of all choices.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    encoding: Option<Encoding>,
    choices: SmallVec<[ChoiceText; 1]>,
    bytes: u64,
    /// Counting before the text is so long could tell nothing new.
    recount_at: u64,
}

/// The text of one choice: choices come in turns, and their words must not mix.
#[derive(Debug)]
struct ChoiceText {
    index: u64,
    /// What a tokeniser has not counted yet, and a little before it. Empty without a tokeniser.
    kept: String,
    /// Everything before this place in `kept` is counted.
    counted_to: usize,
    counted: u64,
    words: Words,
}

/// What can be said of a text without its tokeniser.
#[derive(Debug, Default)]
struct Words {
    count: u64,
    /// The last space was not followed by a letter or digit yet.
    is_inside: bool,
    last: Option<char>,
    unrepeated_bytes: u64,
}

impl Transcript {
    /// Of a model with this tokeniser, if it is public.
    pub(crate) fn new(encoding: Option<Encoding>) -> Self {
        Self {
            encoding,
            ..Self::default()
        }
    }

    /// Takes the next piece of a choice.
    pub(crate) fn add(&mut self, choice: u64, piece: &str) {
        self.bytes = self.bytes.saturating_add(to_u64(piece.len()));
        if let Some(text) = self.choices.iter_mut().find(|text| text.index == choice) {
            return text.add(piece, self.encoding);
        }
        let mut text = ChoiceText::new(choice);
        text.add(piece, self.encoding);
        self.choices.push(text);
    }

    /// The tokens, counted where the tokeniser is public, else by the stated rule.
    pub(crate) fn estimate(&self) -> u64 {
        match self.encoding {
            Some(encoding) => self.counted(encoding),
            None => tokens::estimate_bytes(self.bytes),
        }
    }

    /// Whether the provider must have counted more tokens than this. It is asked after each piece, and
    /// counts only when the answer can have changed.
    pub(crate) fn exceeds(&mut self, tokens: u64) -> bool {
        // No token is shorter than a byte.
        if self.bytes <= tokens || self.bytes < self.recount_at {
            return false;
        }
        let at_least = self.at_least();
        let room = tokens.saturating_sub(at_least).max(RECOUNT_BYTES);
        self.recount_at = self.bytes.saturating_add(room);
        at_least > tokens
    }

    /// As many tokens as the text is at the least.
    pub(crate) fn at_least(&mut self) -> u64 {
        match self.encoding {
            Some(encoding) => {
                for text in &mut self.choices {
                    text.count_words(encoding);
                }
                self.counted(encoding)
            }
            None => self.sum(|text| text.words.at_least()),
        }
    }

    fn counted(&self, encoding: Encoding) -> u64 {
        self.sum(|text| text.counted.saturating_add(text.rest(encoding)))
    }

    fn sum(&self, tokens: impl Fn(&ChoiceText) -> u64) -> u64 {
        let each = self.choices.iter().map(tokens);
        each.fold(0, u64::saturating_add)
    }
}

impl ChoiceText {
    fn new(index: u64) -> Self {
        Self {
            index,
            kept: String::new(),
            counted_to: 0,
            counted: 0,
            words: Words::default(),
        }
    }

    fn add(&mut self, piece: &str, encoding: Option<Encoding>) {
        match encoding {
            Some(encoding) => self.keep(piece, encoding),
            None => self.words.add(piece),
        }
    }

    fn keep(&mut self, piece: &str, encoding: Encoding) {
        if self.kept.len().saturating_add(piece.len()) > KEPT_BYTES_MAX {
            self.counted = self.counted.saturating_add(self.rest(encoding));
            self.kept.clear();
            self.counted_to = 0;
        }
        self.kept.push_str(piece);
    }

    /// The tokens of what is not counted yet.
    fn rest(&self, encoding: Encoding) -> u64 {
        let rest = self.kept.get(self.counted_to..).unwrap_or_default();
        encoding.count(rest)
    }

    /// Counts up to where the rest can be counted by itself: tokenisers part words before a space.
    fn count_words(&mut self, encoding: Encoding) {
        let rest = self.kept.get(self.counted_to..).unwrap_or_default();
        let is_between_words = |at: &usize| {
            let letter = |at: Option<usize>| {
                at.and_then(|at| rest.as_bytes().get(at))
                    .is_some_and(u8::is_ascii_lowercase)
            };
            letter(at.checked_sub(1)) && letter(at.checked_add(1))
        };
        let spaces = memchr::memrchr_iter(b' ', rest.as_bytes());
        let Some(end) = spaces.into_iter().find(is_between_words) else {
            return;
        };
        let words = rest.get(..end).unwrap_or_default();
        self.counted = self.counted.saturating_add(encoding.count(words));
        self.counted_to = self.counted_to.saturating_add(end);
    }
}

impl Words {
    fn add(&mut self, piece: &str) {
        for letter in piece.chars() {
            if letter.is_whitespace() {
                self.is_inside = false;
            } else if !self.is_inside && letter.is_alphanumeric() {
                self.is_inside = true;
                self.count = self.count.saturating_add(1);
            }
            if self.last.replace(letter) != Some(letter) {
                let length = to_u64(letter.len_utf8());
                self.unrepeated_bytes = self.unrepeated_bytes.saturating_add(length);
            }
        }
    }

    /// No token reaches from one word into the next, or is as long as many words of other letters.
    fn at_least(&self) -> u64 {
        let by_length = self.unrepeated_bytes.checked_div(BYTES_PER_TOKEN_MAX);
        self.count.max(by_length.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENCODING: Encoding = Encoding::O200k;

    fn of(encoding: Option<Encoding>, pieces: &[(u64, &str)]) -> Transcript {
        let mut transcript = Transcript::new(encoding);
        for (choice, piece) in pieces {
            transcript.add(*choice, piece);
        }
        transcript
    }

    #[test]
    fn a_text_is_estimated_by_its_tokenizer_or_by_three_bytes_a_token() {
        let pieces = [(0, "one two"), (0, " three")];
        assert_eq!(of(Some(ENCODING), &pieces).estimate(), 3);
        assert_eq!(of(None, &pieces).estimate(), 5);
        assert_eq!(of(Some(ENCODING), &[]).estimate(), 0);
    }

    #[test]
    fn choices_that_come_in_turns_are_counted_each_by_itself() {
        let pieces = [
            (0, "str"),
            (1, "c\n"),
            (0, "aw"),
            (1, "h"),
            (0, "berries"),
            (1, "at"),
        ];
        for encoding in [Some(ENCODING), None] {
            let alone = |choice: u64| {
                let own: Vec<_> = pieces.iter().filter(|it| it.0 == choice).copied().collect();
                of(encoding, &own).at_least()
            };
            assert_eq!(of(encoding, &pieces).at_least(), alone(0) + alone(1));
        }
    }

    #[test]
    fn text_beyond_what_is_kept_stays_counted() {
        let piece = "many words ".repeat(1_000);
        let pieces = vec![(0, piece.as_str()); 60];
        let whole = ENCODING.count(&piece.repeat(60));
        let counted = of(Some(ENCODING), &pieces).at_least();
        assert!(counted.abs_diff(whole) <= 4, "{counted} {whole}");
    }

    #[test]
    fn words_are_at_least_a_token_each_and_repetitions_nothing() {
        let at_least = |text: &str| of(None, &[(0, text)]).at_least();
        assert_eq!(at_least(&" token".repeat(100)), 100);
        assert_eq!(at_least("e.g. --- x_y"), 2);
        assert_eq!(at_least(&"=".repeat(10_000)), 0);
        assert_eq!(at_least(&"\u{4f60}\u{597d}".repeat(80)), 30);
    }

    /// Where it is first said that there are more tokens than these.
    fn exceeds_at(encoding: Option<Encoding>, piece: &str, tokens: u64) -> u64 {
        let mut transcript = Transcript::new(encoding);
        let mut pieces = 0;
        loop {
            transcript.add(0, piece);
            pieces += 1;
            if transcript.exceeds(tokens) {
                return pieces;
            }
        }
    }

    #[test]
    fn more_is_noticed_within_a_few_words() {
        for encoding in [Some(ENCODING), None] {
            for tokens in [1, 10, 100, 1_000, 5_000] {
                let noticed = exceeds_at(encoding, " token", tokens);
                // Text is counted again every 64 bytes: eleven of these words.
                assert!((tokens + 1..=tokens + 12).contains(&noticed), "{noticed}");
            }
        }
    }

    proptest! {
        /// However the text arrives, and whenever it is looked at.
        #[test]
        fn is_never_more_than_the_tokenizer_counts(
            words in prop::collection::vec("[a-zA-Z]{1,9}|[0-9]{1,5}|[.,;(){}]{1,3}|[\u{4e00}-\u{4e20}]{1,4}", 1..80),
            size in 1_usize..9,
            tokens in 0_u64..100,
        ) {
            let text = words.join(" ");
            let mut transcript = Transcript::new(Some(ENCODING));
            let letters: Vec<char> = text.chars().collect();
            let mut exceeded = false;
            for piece in letters.chunks(size) {
                transcript.add(0, &piece.iter().collect::<String>());
                exceeded |= transcript.exceeds(tokens);
            }
            let counted = ENCODING.count(&text);
            prop_assert_eq!(transcript.at_least(), counted);
            // A text that is cut short can be more tokens than with its end, but for one or two.
            prop_assert!(!exceeded || counted + 4 > tokens);
            prop_assert!(of(None, &[(0, &text)]).at_least() <= counted);
        }
    }
}
