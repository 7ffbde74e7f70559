//! Mutates requests: by octets, and by DER values whose enclosing lengths are corrected, so that the damage passes the first
//! checks of a decoder.

use rand::Rng;
use rand::seq::SliceRandom;

/// Octets with a meaning to DER decoders: boundary values of lengths, tags, terminators.
const TELLING: [u8; 16] =
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x18, 0x1b, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xfe, 0xff];

/// Limit of a mutated request, octets, which a datagram can still carry.
const LONGEST: usize = 8 * 1024;

/// Returns a mutation of one of `originals`, with parts of others. A third of the mutations change octets, which decoders mostly
/// detect at once. The others change whole values, so that decoding succeeds and the KDC refuses the content.
pub fn mutate(originals: &[Vec<u8>], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = originals.choose(rng).cloned().unwrap_or_default();
    let by_octets = rng.gen_ratio(1, 3);
    for _ in 0..rng.gen_range(1..=3) {
        bytes = if by_octets { change_octets(bytes, rng) } else { change_value(bytes, originals, rng) };
        bytes.truncate(LONGEST);
    }
    bytes
}

fn change_octets(mut bytes: Vec<u8>, rng: &mut impl Rng) -> Vec<u8> {
    if bytes.is_empty() {
        return vec![rng.r#gen()];
    }
    let at = rng.gen_range(0..bytes.len());
    let end = at.saturating_add(rng.gen_range(1..=16)).min(bytes.len());
    match rng.gen_range(0..7) {
        0 => replace(&mut bytes, at, |octet| octet ^ (1 << (at % 8))),
        1 => {
            let telling = TELLING.choose(rng).copied().unwrap_or_default();
            replace(&mut bytes, at, |_| telling);
        }
        2 => replace(&mut bytes, at, |octet| octet.wrapping_add(1)),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes.get(at..end).unwrap_or_default().to_vec();
            drop(bytes.splice(at..at, copy));
        }
        5 => {
            let noise: Vec<u8> = (0..rng.gen_range(1..=16)).map(|_| rng.r#gen()).collect();
            drop(bytes.splice(at..at, noise));
        }
        _ => bytes.truncate(at),
    }
    bytes
}

fn replace(bytes: &mut [u8], at: usize, change: impl FnOnce(u8) -> u8) {
    if let Some(octet) = bytes.get_mut(at) {
        *octet = change(*octet);
    }
}

/// Changes one DER value and corrects the lengths around it. Changes octets where the request is no longer DER.
fn change_value(bytes: Vec<u8>, others: &[Vec<u8>], rng: &mut impl Rng) -> Vec<u8> {
    let Some(mut tree) = Value::read_all(&bytes) else { return change_octets(bytes, rng) };
    let donor = others.choose(rng).and_then(|other| Value::read_all(other)).map(|values| pick(&values, rng));
    let at = rng.gen_range(0..Value::count(&tree));
    change_nth(&mut tree, at, donor, rng);
    Value::write_all(&tree)
}

fn pick(values: &[Value], rng: &mut impl Rng) -> Value {
    let at = rng.gen_range(0..Value::count(values));
    Value::nth(values, at).cloned().unwrap_or(Value { tag: 5, content: Content::Octets(Vec::new()) })
}

fn change_nth(values: &mut Vec<Value>, mut nth: usize, donor: Option<Value>, rng: &mut impl Rng) {
    for at in 0..values.len() {
        let Some(value) = values.get_mut(at) else { return };
        if nth == 0 {
            return change_here(values, at, donor, rng);
        }
        nth -= 1;
        if let Content::Values(inner) = &mut value.content {
            let count = Value::count(inner);
            if nth < count {
                return change_nth(inner, nth, donor, rng);
            }
            nth -= count;
        }
    }
}

fn change_here(values: &mut Vec<Value>, at: usize, donor: Option<Value>, rng: &mut impl Rng) {
    let Some(value) = values.get(at).cloned() else { return };
    // Values with changed contents in their original place get furthest.
    match rng.gen_range(0..12) {
        0 => drop(values.remove(at)),
        1 => values.insert(at, value),
        2 => {
            let other = rng.gen_range(0..values.len());
            values.swap(at, other);
        }
        3 => {
            let tag = if rng.gen_bool(0.5) { value.tag.wrapping_add(1) } else { rng.r#gen() };
            values.splice(at..=at, [Value { tag, ..value }]);
        }
        4 => drop(values.splice(at..=at, donor)),
        _ => drop(values.splice(at..=at, [value.with_other_content(rng)])),
    }
}

/// A DER value. A constructed one is a list of values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    tag: u8,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Octets(Vec<u8>),
    Values(Vec<Value>),
}

const CONSTRUCTED: u8 = 0x20;

impl Value {
    /// Parses values that fill `bytes` completely. Accepts tags of one octet, as Kerberos uses them.
    fn read_all(mut bytes: &[u8]) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        while let [tag, rest @ ..] = bytes {
            let (length, rest) = read_length(rest)?;
            let (content, rest) = rest.split_at_checked(length)?;
            let inner = if tag & CONSTRUCTED != 0 { Value::read_all(content) } else { None };
            let content = inner.map_or_else(|| Content::Octets(content.to_vec()), Content::Values);
            values.push(Value { tag: *tag, content });
            bytes = rest;
        }
        (!values.is_empty()).then_some(values)
    }

    fn write_all(values: &[Value]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Value { tag, content } in values {
            let content = match content {
                Content::Octets(octets) => octets.clone(),
                Content::Values(inner) => Value::write_all(inner),
            };
            bytes.push(*tag);
            write_length(content.len(), &mut bytes);
            bytes.extend(content);
        }
        bytes
    }

    /// Counts the values, including nested ones.
    fn count(values: &[Value]) -> usize {
        values
            .iter()
            .map(|value| match &value.content {
                Content::Octets(_) => 1,
                Content::Values(inner) => 1 + Value::count(inner),
            })
            .sum()
    }

    fn nth(values: &[Value], mut nth: usize) -> Option<&Value> {
        for value in values {
            if nth == 0 {
                return Some(value);
            }
            nth -= 1;
            if let Content::Values(inner) = &value.content {
                let count = Value::count(inner);
                if nth < count {
                    return Value::nth(inner, nth);
                }
                nth -= count;
            }
        }
        None
    }

    fn with_other_content(mut self, rng: &mut impl Rng) -> Value {
        self.content = match self.content {
            Content::Octets(octets) => Content::Octets(change_octets(octets, rng)),
            Content::Values(mut inner) => {
                inner.shuffle(rng);
                Content::Values(inner)
            }
        };
        self
    }
}

fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [short @ 0..=0x7f, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, one, rest @ ..] => Some((usize::from(*one), rest)),
        [0x82, high, low, rest @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}

fn write_length(length: usize, bytes: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=0x7f), _) => bytes.push(short),
        (Ok(one), _) => bytes.extend([0x81, one]),
        (_, Ok(two)) => bytes.extend([&[0x82][..], &two.to_be_bytes()].concat()),
        // Longer than any datagram, so the request is cut off later. A wrong length is a welcome mutation.
        _ => bytes.push(0x80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{Principal, PrincipalName};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn request() -> Vec<u8> {
        let client = Principal::new(PrincipalName::krbtgt("R"), "R");
        let request = kennel_client::AsRequest::new(client);
        let now = kennel_client::client::system_now();
        let mut rng = StdRng::seed_from_u64(1);
        let body = kennel_client::dangerous::dangerous_as_body(&request, now, &mut rng);
        kennel_client::dangerous::dangerous_as_request(body, Vec::new())
    }

    #[test]
    fn reading_and_writing_values_changes_nothing() {
        let request = request();
        assert_eq!(Value::write_all(&Value::read_all(&request).unwrap()), request);
    }

    #[test]
    fn the_same_seed_makes_the_same_mutations() {
        let originals = [request()];
        let make = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..100).map(|_| mutate(&originals, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(make(7), make(7));
        assert_ne!(make(7), make(8));
    }

    #[test]
    fn some_mutations_pass_the_gate_and_some_do_not() {
        let originals = [request()];
        let mut rng = StdRng::seed_from_u64(3);
        let passing =
            (0..2000).filter(|_| kennel_wire::der::gate::check(&mutate(&originals, &mut rng)).is_ok()).count();
        assert!((200..1800).contains(&passing), "{passing} of 2000");
    }

    #[test]
    fn every_value_of_a_tree_is_reached() {
        let tree = Value::read_all(&request()).unwrap();
        let count = Value::count(&tree);
        assert!(count > 20);
        assert!((0..count).all(|nth| Value::nth(&tree, nth).is_some()));
        assert!(Value::nth(&tree, count).is_none());
    }
}
