//! HTTP/2 as nobody honest speaks it (RFC 9113).

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_HEADERS: u8 = 4;
/// No longer frame is sent or taken unless both agree (section 4.2).
const LONGEST: usize = 16 * 1024;
/// Requests with half a message, on each connection that is kept.
const HALVES: u32 = 32;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn greeting() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// A text of less than 127 bytes (RFC 7541, section 5.2).
fn text(text: &str) -> Vec<u8> {
    let mut said = vec![u8::try_from(text.len()).unwrap_or(0)];
    said.extend(text.as_bytes());
    said
}

/// A join's headers: POST and https by their numbers, path and content-type by name.
fn join(stream: u32) -> Vec<u8> {
    let said = [
        vec![0x83, 0x87, 0x01],
        text("controller"),
        vec![0x04],
        text("/keyroll.enroll.v1.Enroll/Join"),
        vec![0x0f, 0x10],
        text("application/grpc"),
        vec![0x00],
        text("te"),
        text("trailers"),
    ];
    frame(HEADERS, END_HEADERS, stream, &said.concat())
}

/// Numbers of streams that a client opens.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// Requests, each taken back at once (CVE-2023-44487).
pub fn resets(count: u32) -> Vec<u8> {
    // 8: cancelled.
    let both = streams(count).map(|one| [join(one), frame(RST_STREAM, 0, one, &[0, 0, 0, 8])]);
    both.fold(greeting(), |said, [ask, cancel]| {
        [said, ask, cancel].concat()
    })
}

/// A frame of 16 MiB less a byte, which nobody has agreed to.
pub fn frame_too_long() -> Vec<u8> {
    let head = [0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1];
    [&greeting()[..], &join(1), &head, &[0; LONGEST]].concat()
}

/// The start of a message that says of itself that it is a gibibyte long.
pub fn message_of_a_gibibyte() -> Vec<u8> {
    [greeting(), join(1), start_of(1 << 30)].concat()
}

fn start_of(length: u32) -> Vec<u8> {
    let head = [&[0], length.to_be_bytes().as_slice()].concat();
    let rest = vec![0; LONGEST - head.len()];
    frame(DATA, 0, 1, &[head, rest].concat())
}

/// On each stream a message of the longest length that is taken, but for its last bytes.
pub fn halves_of_messages() -> Vec<u8> {
    let length = u32::try_from(LONGEST).unwrap_or(0);
    let head = [&[0], length.to_be_bytes().as_slice()].concat();
    let half = [head, vec![0; LONGEST / 2]].concat();
    let all = streams(HALVES).map(|one| [join(one), frame(DATA, 0, one, &half)].concat());
    all.fold(greeting(), |said, one| [said, one].concat())
}
