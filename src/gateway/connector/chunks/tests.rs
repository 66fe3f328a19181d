//! Held against a decoder of their own, in any pieces.

use proptest::prelude::*;

use super::*;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: Chunked\r\n\r\n";
const PLAIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n5\r\nab";

fn chunk(payload: &str) -> String {
    format!("{:X};name=\"value\"\r\n{payload}\r\n", payload.len())
}

/// What is handed on of pieces that arrive one after the other.
fn handed_on(pieces: &[&[u8]]) -> Vec<u8> {
    let mut chunks = Chunks::default();
    let mut all = Vec::new();
    for piece in pieces {
        chunks.take(piece);
        while chunks.hand_on(&mut all) {}
    }
    all
}

/// The payload of an answer in chunks, how many they are, and what follows it.
fn decoded(answer: &[u8]) -> (String, usize, Vec<u8>) {
    let (mut payload, mut count) = (String::new(), 0);
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let mut rest = &answer[head.unwrap() + 4..];
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let line = str::from_utf8(&rest[..end]).unwrap();
        let size = line.split(';').next().unwrap().trim();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[end + 1..];
        if size == 0 {
            return (payload, count, rest.to_vec());
        }
        payload.push_str(str::from_utf8(&rest[..size]).unwrap());
        count += 1;
        assert_eq!(&rest[size..size + 2], b"\r\n");
        rest = &rest[size + 2..];
    }
}

#[test]
fn chunks_that_arrived_together_are_one() {
    let answer = [
        HEAD,
        &chunk("one "),
        &chunk("two "),
        &chunk("three"),
        "0\r\n\r\n",
    ]
    .concat();
    let (payload, count, after) = decoded(&handed_on(&[answer.as_bytes()]));
    assert_eq!((payload.as_str(), count), ("one two three", 1));
    assert_eq!(after, b"\r\n");
}

#[test]
fn nothing_that_arrived_waits() {
    let mut chunks = Chunks::default();
    let mut room = Vec::new();
    chunks.take(HEAD.as_bytes());
    assert!(chunks.hand_on(&mut room));
    for (arrives, expected) in [
        ("4\r\none ", "4\r\none \r\n"),
        ("\r\n6\r\ntw", "2\r\ntw\r\n"),
        ("o ", "2\r\no \r\n"),
        ("th\r\n5", "2\r\nth\r\n"),
        ("\r\nree", "3\r\nree\r\n"),
    ] {
        room.clear();
        chunks.take(arrives.as_bytes());
        chunks.hand_on(&mut room);
        assert_eq!(str::from_utf8(&room).unwrap(), expected);
    }
}

#[test]
fn a_little_room_is_filled_as_often_as_it_takes() {
    let mut chunks = Chunks::default();
    let answer = [HEAD, &chunk("a long answer")].concat();
    chunks.take(answer.as_bytes());
    let mut all = Vec::new();
    loop {
        let mut room = [0_u8; 7];
        let mut free = &mut room[..];
        if !chunks.hand_on(&mut free) {
            break;
        }
        let left = free.len();
        all.extend_from_slice(&room[..7 - left]);
    }
    assert_eq!(all, handed_on(&[answer.as_bytes()]));
}

#[test]
fn what_is_not_in_chunks_goes_by_as_it_is() {
    for answer in [
        PLAIN,
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb",
        "HTTP/1.0 200 OK\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n1\r\na\r\n1\r\nb\r\n",
        "no answer at all\r\n\r\n1\r\na\r\n",
    ] {
        for size in 1..answer.len() {
            let pieces: Vec<_> = answer.as_bytes().chunks(size).collect();
            let all = handed_on(&pieces);
            assert_eq!(str::from_utf8(&all).unwrap(), answer, "{size}");
        }
    }
}

#[test]
fn what_follows_broken_chunks_is_not_touched() {
    for (broken, expected) in [
        ("zz\r\n1\r\na\r\n", "zz\r\n1\r\na\r\n"),
        ("1\r\nab\r\n1\r\nc\r\n", "1\r\na\r\nb\r\n1\r\nc\r\n"),
        ("\r\n1\r\na\r\n", "\r\n1\r\na\r\n"),
    ] {
        let all = handed_on(&[HEAD.as_bytes(), broken.as_bytes()]);
        assert_eq!(str::from_utf8(&all[HEAD.len()..]).unwrap(), expected);
    }
    let endless = "1".repeat(3 * LINE_BYTES_MAX);
    let all = handed_on(&[HEAD.as_bytes(), endless.as_bytes()]);
    assert_eq!(&all[HEAD.len()..], endless.as_bytes());
}

#[test]
fn the_end_hands_on_what_was_begun() {
    let mut chunks = Chunks::default();
    let mut all = Vec::new();
    chunks.take([HEAD, "1\r\na\r\n12"].concat().as_bytes());
    chunks.end();
    while chunks.hand_on(&mut all) {}
    assert_eq!(all, [HEAD, "1\r\na\r\n12"].concat().as_bytes());
}

proptest! {
    #[test]
    fn an_answer_is_the_same_in_any_pieces(
        payloads in proptest::collection::vec("[a-z\r\n0-9]{1,40}", 0..20),
        trailer in prop_oneof![Just(""), Just("x-cost: 1\r\nx-more: 2\r\n")],
        size in 1_usize..200,
    ) {
        let chunked: String = payloads.iter().map(|payload| chunk(payload)).collect();
        let answer = [HEAD, &chunked, "0\r\n", trailer, "\r\n"].concat();
        // The connection is used again.
        let both = [&answer, PLAIN, &answer].concat();
        let pieces: Vec<_> = both.as_bytes().chunks(size).collect();
        let all = handed_on(&pieces);
        prop_assert!(all.starts_with(HEAD.as_bytes()));
        let (payload, count, after) = decoded(&all);
        prop_assert_eq!(&payload, &payloads.concat());
        prop_assert!(count <= pieces.len());
        let between = [trailer, "\r\n", PLAIN].concat();
        let second = after.strip_prefix(between.as_bytes()).unwrap();
        let (payload, _, end) = decoded(second);
        prop_assert_eq!(payload, payloads.concat());
        let last = [trailer, "\r\n"].concat();
        prop_assert_eq!(end, last.as_bytes());
    }

    #[test]
    fn any_bytes_at_all_are_handed_on(bytes: Vec<u8>, size in 1_usize..50) {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        prop_assert_eq!(handed_on(&pieces), bytes);
    }
}
