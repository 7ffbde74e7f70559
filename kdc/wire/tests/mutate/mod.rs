//! Seeded mutations: of octets, and of the tree of DER values.

use kennel_wire::der::writer::Writer;

/// xorshift64*: repeatable everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn octet(&mut self) -> u8 {
        self.next() as u8
    }

    /// One to four changes of single octets, cuts, repetitions and insertions.
    pub(crate) fn mutated_octets(&mut self, sample: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.octet()),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.extend_from_within(at..),
                4 if !bytes.is_empty() => bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xff][self.below(6)],
                5 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                6 if !bytes.is_empty() => bytes[at] = bytes[at].wrapping_add(1),
                _ if !bytes.is_empty() => bytes[at] = self.octet(),
                _ => {}
            }
        }
        bytes
    }

    /// One or two changes of values somewhere in the tree, written with true lengths.
    pub(crate) fn mutated_tree(&mut self, tree: &Node) -> Vec<u8> {
        let mut tree = tree.clone();
        for _ in 0..=self.below(2) {
            let target = self.below(tree.count());
            tree.nth(target).mutate(self);
        }
        let mut writer = Writer::with_capacity(2048);
        tree.write(&mut writer);
        writer.into_vec()
    }
}

/// A DER value: its tag and its contents.
#[derive(Clone)]
pub(crate) struct Node {
    tag: u8,
    contents: Contents,
}

#[derive(Clone)]
enum Contents {
    Octets(Vec<u8>),
    Values(Vec<Node>),
}

impl Node {
    /// Parses DER that is known to be good.
    pub(crate) fn parse(der: &[u8]) -> Node {
        let (node, rest) = Node::first(der);
        assert!(rest.is_empty());
        node
    }

    fn first(der: &[u8]) -> (Node, &[u8]) {
        let (length, start) = match der[1] {
            0x81 => (usize::from(der[2]), 3),
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            short => (usize::from(short), 2),
        };
        let (octets, rest) = der[start..].split_at(length);
        let contents = if der[0] & 0x20 == 0 { Contents::Octets(octets.to_vec()) } else { Node::all(octets) };
        (Node { tag: der[0], contents }, rest)
    }

    fn all(mut der: &[u8]) -> Contents {
        let mut values = Vec::new();
        while !der.is_empty() {
            let (node, rest) = Node::first(der);
            values.push(node);
            der = rest;
        }
        Contents::Values(values)
    }

    fn count(&self) -> usize {
        match &self.contents {
            Contents::Octets(_) => 1,
            Contents::Values(values) => 1 + values.iter().map(Node::count).sum::<usize>(),
        }
    }

    /// The node with this index, counted from the root down.
    fn nth(&mut self, mut index: usize) -> &mut Node {
        if index == 0 {
            return self;
        }
        index -= 1;
        let Contents::Values(values) = &mut self.contents else { panic!("the index is below the count") };
        for value in values {
            let count = value.count();
            if index < count {
                return value.nth(index);
            }
            index -= count;
        }
        panic!("the index is below the count")
    }

    fn mutate(&mut self, random: &mut Random) {
        const TAGS: [u8; 14] = [0x02, 0x03, 0x04, 0x18, 0x1b, 0x30, 0xa0, 0xa1, 0xa2, 0xa3, 0xa9, 0x61, 0x6a, 0x7e];
        if random.below(12) == 0 {
            self.tag = TAGS[random.below(TAGS.len())];
            return;
        }
        match &mut self.contents {
            Contents::Octets(octets) => *octets = mutated_leaf(self.tag, octets, random),
            Contents::Values(values) => {
                let at = random.below(values.len());
                match random.below(5) {
                    0 if !values.is_empty() => drop(values.remove(at)),
                    1 if !values.is_empty() => values.extend(vec![values[at].clone(); 1 + random.below(70)]),
                    2 => values.reverse(),
                    3 => values.clear(),
                    _ => self.tag = (self.tag & 0xe0) | random.below(32) as u8,
                }
            }
        }
    }

    fn write(&self, w: &mut Writer) {
        w.tagged(self.tag, |w| match &self.contents {
            Contents::Octets(octets) => w.bytes(octets),
            Contents::Values(values) => values.iter().rev().for_each(|value| value.write(w)),
        });
    }
}

/// Contents that the decoder of this type might stumble over.
fn mutated_leaf(tag: u8, octets: &[u8], random: &mut Random) -> Vec<u8> {
    const INTEGERS: [&[u8]; 10] = [
        &[],
        &[0x00],
        &[0xff],
        &[0x00, 0x80],
        &[0x80, 0, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0x00, 0xff, 0xff, 0xff, 0xff],
        &[0x01, 0, 0, 0, 0],
        &[0x00, 0x00],
        &[0x7f; 17],
    ];
    const BIT_STRINGS: [&[u8]; 8] =
        [&[], &[0], &[7], &[8, 0], &[255, 255], &[7, 0x80], &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[0; 12]];
    const TIMES: [&[u8]; 8] = [
        b"20260229000000Z",
        b"20240229235959Z",
        b"00000000000000Z",
        b"99991231235959Z",
        b"20261123153160Z",
        b"2026112315310",
        b"-0261123153100Z",
        b"20261123153100.9Z",
    ];
    const STRINGS: [&[u8]; 6] = [b"", b"\0", b"a\nb", b"\xff\xfe", "żółw".as_bytes(), &[b'x'; 1025]];
    let list: &[&[u8]] = match tag {
        0x02 => &INTEGERS,
        0x03 => &BIT_STRINGS,
        0x18 => &TIMES,
        0x1b => &STRINGS,
        _ => &[],
    };
    match list {
        _ if random.below(3) == 0 => random.mutated_octets(octets),
        [] => vec![random.octet(); random.below(300)],
        list => list[random.below(list.len())].to_vec(),
    }
}
