//! How long a piece of sound is, where its head says so, and how many tokens that is at the most.

/// More than the tokens of a second of sound: `OpenAI`'s guide to realtime costs counts one for each
/// tenth of a second that a caller says; twice as many, because its other endpoints publish none.
const OPENAI_TOKENS_PER_SECOND: u64 = 20;
/// The same of Google: its guide to audio counts 32.
const GOOGLE_TOKENS_PER_SECOND: u64 = 32;
/// What a format's chunk is read for.
const FORMAT_BYTES: usize = 16;
/// Samples as whole numbers, as fractions, or as a longer format chunk says.
const UNCOMPRESSED: [u16; 3] = [1, 3, 0xFFFE];

/// The most tokens of a file that begins so and is so long, at `OpenAI`. Only uncompressed sound has a
/// length that its size bounds: a silence can be compressed to nothing.
pub(crate) fn openai_tokens(head: &[u8], bytes: u64) -> Option<u64> {
    tokens(head, bytes, OPENAI_TOKENS_PER_SECOND)
}

/// The same at Google.
pub(crate) fn google_tokens(head: &[u8], bytes: u64) -> Option<u64> {
    tokens(head, bytes, GOOGLE_TOKENS_PER_SECOND)
}

fn tokens(head: &[u8], bytes: u64, per_second: u64) -> Option<u64> {
    let tokens = bytes.checked_mul(per_second)?;
    let whole = tokens.checked_div(wave_bytes_per_second(head)?)?;
    whole.checked_add(1)
}

/// How many bytes of a WAVE file are a second, by its format chunk.
fn wave_bytes_per_second(head: &[u8]) -> Option<u64> {
    let mut rest = head
        .strip_prefix(b"RIFF")?
        .get(4..)?
        .strip_prefix(b"WAVE")?;
    loop {
        let (name, after) = rest.split_at_checked(4)?;
        let (length, after) = after.split_first_chunk::<4>()?;
        if name == b"fmt " {
            return format_bytes_per_second(after.get(..FORMAT_BYTES)?);
        }
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        // Chunks begin at even places.
        rest = after.get(length.checked_add(length % 2)?..)?;
    }
}

fn format_bytes_per_second(format: &[u8]) -> Option<u64> {
    let short = |at: usize| {
        let bytes = format.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_le_bytes(*bytes))
    };
    let rate = u64::from(u32::from_le_bytes(*format.get(4..)?.first_chunk::<4>()?));
    if !UNCOMPRESSED.contains(&short(0)?) {
        return None;
    }
    let (channels, block, bits) = (short(2)?, short(12)?, short(14)?);
    // Of two ways to count a frame, the shorter one makes the sound longer.
    let frame = (u64::from(channels).checked_mul(u64::from(bits))? / 8).min(u64::from(block));
    rate.checked_mul(frame).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wave(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut head = b"RIFF\0\0\0\0WAVELIST\x05\0\0\0abcde\0fmt \x10\0\0\0".to_vec();
        head.extend(tag.to_le_bytes());
        head.extend(channels.to_le_bytes());
        head.extend(rate.to_le_bytes());
        head.extend((rate * u32::from(block)).to_le_bytes());
        head.extend(block.to_le_bytes());
        head.extend(bits.to_le_bytes());
        head.extend(b"data\xff\xff\xff\xff");
        head
    }

    #[test]
    fn an_uncompressed_file_is_as_long_as_its_format_says() {
        // A minute of 16 bits in two channels.
        let head = wave(1, 2, 24_000, 16);
        assert_eq!(openai_tokens(&head, 60 * 96_000), Some(1_201));
        assert_eq!(google_tokens(&head, 60 * 96_000), Some(1_921));
        assert_eq!(openai_tokens(&head, 0), Some(1));
    }

    #[test]
    fn of_anything_else_nothing_is_known() {
        let whole = wave(1, 1, 24_000, 16);
        for length in 0..44 {
            assert_eq!(openai_tokens(&whole[..length], 10), None, "{length}");
        }
        for head in [
            wave(0x11, 1, 24_000, 4),
            wave(1, 0, 24_000, 16),
            wave(1, 1, 0, 16),
            b"ID3\x04".to_vec(),
            b"OggS".to_vec(),
        ] {
            assert_eq!(openai_tokens(&head, 1_000_000), None);
        }
        assert_eq!(openai_tokens(&whole, u64::MAX), None);
    }

    proptest! {
        #[test]
        fn never_fewer_than_the_documented_rate(
            seconds in 0_u64..7_200, channels in 1_u16..3, rate in 8_000_u32..96_000, bytes in 1_u16..5,
        ) {
            let head = wave(1, channels, rate, bytes * 8);
            let size = seconds * u64::from(rate) * u64::from(channels * bytes);
            prop_assert!(openai_tokens(&head, size).unwrap() >= seconds * 10);
            prop_assert!(google_tokens(&head, size).unwrap() >= seconds * 32);
        }

        #[test]
        fn never_panics(head in prop::collection::vec(any::<u8>(), 0..80), bytes in any::<u64>()) {
            let _ = openai_tokens(&head, bytes);
            let _ = openai_tokens(&[b"RIFF\0\0\0\0WAVE".as_slice(), &head].concat(), bytes);
        }
    }
}
