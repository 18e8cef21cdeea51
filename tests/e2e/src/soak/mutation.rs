//! Requests spoilt in a few places: bits, fields, lengths, versions, control codes next to ours.

use ringcopy_client::protocol::CODES;

use super::{model::Request, random::Random};

/// The most bytes of input or output, so that a request fits into one round trip.
const LONGEST: usize = 300 << 10;
const LONG: usize = 2000;

/// Gives a request another control code: one next to its own, or another request's.
pub(super) fn mutate_code(random: &mut Random, request: &mut Request) {
    match random.below(3) {
        0 => request.code ^= 1 << random.below(32),
        1 => request.code = random.pick(&CODES).value,
        _ => request.code = request.code.wrapping_add(4 * random.pick(&[1, 8, 15])),
    }
}

/// Spoils a request's bytes and lengths.
pub(super) fn mutate(random: &mut Random, request: &mut Request) {
    for _ in 0..=random.below(3) {
        mutate_once(random, request);
    }
    request.output = request.output.min(LONGEST);
    request.input.truncate(LONGEST);
}

fn mutate_once(random: &mut Random, request: &mut Request) {
    let length = request.input.len();
    match random.below(9) {
        0 => {
            // A long output takes the lab a long time.
            let end = if random.once_in(100) { LONGEST } else { LONG };
            request.output = usize::try_from(random.limit() % end as u64).unwrap_or_default();
        }
        1 => request.output = (request.output + random.index(65)).saturating_sub(32),
        2 | 3 => {
            let at = random.index(length);
            if let Some(byte) = request.input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        4 | 5 => {
            let at = random.index(length) & !3;
            let number = random.limit().to_le_bytes();
            let width = random.pick(&[4, 8]);
            for (byte, new) in request.input.iter_mut().skip(at).zip(&number[..width]) {
                *byte = *new;
            }
        }
        6 => request.input.truncate(random.index(length + 1)),
        7 => request.input.resize(length + random.index(64), 0),
        _ => {
            let more = random.index(48);
            request.input.extend(random.bytes(more));
        }
    }
}
